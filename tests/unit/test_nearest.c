/* "Did you mean": near words are found, far ones are not. SHA-256 by its published examples. */
#include "base/nearest.h"

#include "base/digest.h"
#include "support/unit.h"

#include <string.h>

static const char *const words[] = {"host", "port", "password", "command_timeout"};

static const char *nearest(const char *word)
{
    return nearest_word(word, words, sizeof words / sizeof words[0]);
}

static void test_misspelt_words_are_found(void)
{
    CU_ASSERT_STRING_EQUAL(nearest("prot"), "port");
    CU_ASSERT_STRING_EQUAL(nearest("pasword"), "password");
    CU_ASSERT_STRING_EQUAL(nearest("comand_timeuot"), "command_timeout");
    CU_ASSERT_STRING_EQUAL(nearest("hosts"), "host");
}

static void test_other_words_are_not(void)
{
    char long_word[200];

    CU_ASSERT_PTR_NULL(nearest("colour"));
    CU_ASSERT_PTR_NULL(nearest(""));
    CU_ASSERT_PTR_NULL(nearest("x"));
    memset(long_word, 'p', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    CU_ASSERT_PTR_NULL(nearest(long_word));
    CU_ASSERT_PTR_NULL(nearest_word("port", words, 0));
}

static void test_digest_of_the_published_examples(void)
{
    const struct digest_part parts[] = {{"a", 1}, {"", 0}, {"bc", 2}};
    uint8_t digest[DIGEST_SIZE];
    char text[DIGEST_TEXT_SIZE];

    CU_ASSERT_EQUAL(digest_sha256(parts, 3, digest, NULL), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(digest_format(digest, text),
                           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CU_ASSERT_EQUAL(digest_sha256(NULL, 0, digest, NULL), ATLAS_OK);
    CU_ASSERT_STRING_EQUAL(digest_format(digest, text),
                           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

UNIT_MAIN("nearest", UNIT_TEST(test_misspelt_words_are_found), UNIT_TEST(test_other_words_are_not),
          UNIT_TEST(test_digest_of_the_published_examples))
