/* Digits of hexadecimal text. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* The value of a digit in either case, -1 if it is none. Any thread. */
static inline int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

#endif
