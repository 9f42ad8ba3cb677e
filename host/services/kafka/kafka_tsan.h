/* What ThreadSanitizer needs to follow librdkafka; empty in other builds. See the .c file. */
#ifndef SERVICES_KAFKA_TSAN_H
#define SERVICES_KAFKA_TSAN_H

/* Does nothing; calling it keeps the functions beside it in the program. */
void kafka_tsan_keep(void);

#endif
