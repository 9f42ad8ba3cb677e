# cmake -DINPUT=<file> -DOUTPUT=<file.c> -DNAME=<symbol> -P embed_bytes.cmake
# Writes a file as a C array: const unsigned char NAME[]; const unsigned long NAME_len.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUTPUT}
     "#include \"${HEADER}\"\n\nconst unsigned char ${NAME}[] = {\n${bytes}};\nconst unsigned long ${NAME}_len = sizeof ${NAME};\n")
