/* Subcommands of the program. Each gets the arguments behind its name and returns the exit code. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#define EXIT_DONE    0
#define EXIT_REFUSED 1 /* what was asked for cannot be done; the reason was printed */
#define EXIT_USAGE   2 /* the command line is wrong */
#define EXIT_FORCED  3 /* it did not end in time and left at once */

/* The subcommands; argv[0] is the word itself. Each returns the exit status of the process. */
int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_plugin(int argc, char **argv);
int cli_dev_broker(int argc, char **argv);

#endif
