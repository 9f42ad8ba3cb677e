/* The plugin in the test host: no server, no network, no time. */
#include "greeter.atlas.h"

#include "atlas/testhost.h"

#include <stdlib.h>

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            exit(EXIT_FAILURE);                                                                    \
        }                                                                                          \
    } while (0)

static struct testhost *open_greeter(const char *file)
{
    struct testhost *host = testhost_open(file);

    EXPECT(host != NULL);
    testhost_set(host, "greeting", "good morning");
    testhost_set(host, "pause", "5s");
    EXPECT(testhost_start(host) == ATLAS_OK);
    return host;
}

static void greets_by_name(struct testhost *host)
{
    Greeter__V1__GreetRequest req = GREETER__V1__GREET_REQUEST__INIT;
    Greeter__V1__GreetResponse *res = NULL;
    char name[] = "ada";

    req.name = name;
    EXPECT(greeter_v1_greeter_greet(testhost_caller(host), &req, &res) == ATLAS_OK);
    EXPECT(strcmp(res->text, "good morning, ada") == 0);
}

static void refuses_an_empty_name(struct testhost *host)
{
    Greeter__V1__GreetRequest req = GREETER__V1__GREET_REQUEST__INIT;
    Greeter__V1__GreetResponse *res = NULL;

    EXPECT(greeter_v1_greeter_greet(testhost_caller(host), &req, &res) == ATLAS_INVALID_ARGUMENT);
    EXPECT(strcmp(testhost_message(host), "name: must not be empty") == 0);
}

/* Two greetings need one pause of 5 s; the test host's clock makes it pass at once. */
static void greets_each(struct testhost *host, int64_t timeout_ms, atlas_status_t expected)
{
    struct atlas_call *call = testhost_caller(host);
    Greeter__V1__GreetEachRequest req = GREETER__V1__GREET_EACH_REQUEST__INIT;
    char ada[] = "ada";
    char bob[] = "bob";
    char *names[] = {ada, bob};
    struct atlas_bytes request;
    const struct atlas_bytes *replies;
    size_t count;

    req.names = names;
    req.n_names = ATLAS_COUNT(names);
    EXPECT(greeter__v1__greet_each_request__encode(call, &req, &request) == ATLAS_OK);
    testhost_set_timeout_ms(host, timeout_ms);
    EXPECT(testhost_call(host, "/greeter.v1.Greeter/GreetEach", &request, 1, &replies, &count) ==
           expected);
    EXPECT(count == (expected == ATLAS_OK ? 2 : 1));
    testhost_set_timeout_ms(host, 0);
}

int main(int argc, char **argv)
{
    EXPECT(argc == 2);
    struct testhost *host = open_greeter(argv[1]);

    greets_by_name(host);
    refuses_an_empty_name(host);
    greets_each(host, 6000, ATLAS_OK);
    greets_each(host, 4000, ATLAS_DEADLINE_EXCEEDED);
    testhost_close(host);
    return EXIT_SUCCESS;
}
