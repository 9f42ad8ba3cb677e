#include "redis_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t server;

static bool answers(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool is_connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return is_connected;
}

static void run(int port, const char *password)
{
    char text[16];
    snprintf(text, sizeof text, "%d", port);
    if (freopen("/dev/null", "w", stdout) == NULL) {
        _exit(127);
    }
    execlp("redis-server", "redis-server", "--port", text, "--bind", "127.0.0.1", "--save", "",
           "--enable-debug-command", "yes", password != NULL ? "--requirepass" : NULL, password,
           NULL);
    _exit(127);
}

void redis_server_start(int port, const char *password)
{
    server = fork();
    if (server == 0) {
        run(port, password);
    }
    for (int n = 0; n < 1000 && !answers(port); n++) {
        int status;
        if (waitpid(server, &status, WNOHANG) == server && WEXITSTATUS(status) == 127) {
            printf("skipped: there is no redis-server; install redis-server\n");
            exit(77);
        }
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
}

void redis_server_kill(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

void redis_server_freeze(void)
{
    kill(server, SIGSTOP);
}

void redis_server_thaw(void)
{
    kill(server, SIGCONT);
}
