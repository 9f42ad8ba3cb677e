/*
 * Named places where a test may end the process with SIGKILL, to show that what follows a crash
 * there is right: ATLAS_CRASH_POINT=outbox.after_publish, or ...:3 for the third passage.
 * Costs one load when the variable is not set.
 */
#ifndef BASE_CRASH_POINT_H
#define BASE_CRASH_POINT_H

/* Ends the process here if the environment names this point. Any thread. */
void crash_point(const char *name);

#endif
