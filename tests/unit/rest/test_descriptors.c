#include "base/descriptors.h"

#include <string.h>

#include "base/arena.h"
#include "base/wire.h"
#include "fixture.h"
#include "support/unit.h"

static void test_messages_and_fields_are_found_by_name_and_number(void)
{
    struct descriptor_set *set = fixture_descriptors();
    const struct message_descriptor *message = descriptors_message(set, "transcode.Shapes");
    const struct field_descriptor *field = NULL;

    CU_ASSERT_PTR_NOT_NULL_FATAL(message);
    field = message_field(message, "wrapped_text", 12);
    CU_ASSERT_PTR_NOT_NULL_FATAL(field);
    CU_ASSERT_EQUAL(field->number, 14);
    CU_ASSERT_PTR_EQUAL(message_field(message, "wrappedText", 11), field);
    CU_ASSERT_PTR_EQUAL(message_field_by_number(message, 14), field);
    CU_ASSERT_EQUAL(field->message->well_known, WELL_KNOWN_WRAPPER);
    CU_ASSERT_PTR_NOT_NULL(message_field_by_number(message, 100));
    CU_ASSERT_PTR_NULL(message_field_by_number(message, 20));
    CU_ASSERT_PTR_NULL(message_field_by_number(message, 0));
    CU_ASSERT_PTR_NULL(message_field(message, "wrapped_tex", 11));
    CU_ASSERT_PTR_NULL(descriptors_message(set, "transcode.Things"));
    CU_ASSERT_PTR_NULL(descriptors_message(set, "Shapes"));
    descriptors_destroy(set);
}

static void test_presence_and_packing_follow_proto3(void)
{
    struct descriptor_set *set = fixture_descriptors();
    const struct message_descriptor *message = descriptors_message(set, "transcode.Shapes");

    CU_ASSERT_TRUE(message_field(message, "latitude", 8)->has_presence);
    CU_ASSERT_EQUAL(message_field(message, "latitude", 8)->oneof, -1);
    CU_ASSERT_TRUE(message_field(message, "left", 4)->has_presence);
    CU_ASSERT_EQUAL(message_field(message, "left", 4)->oneof, 0);
    CU_ASSERT_TRUE(message_field(message, "child", 5)->has_presence);
    CU_ASSERT_FALSE(message_field(message, "named", 5)->has_presence);
    CU_ASSERT_TRUE(message_field(message, "numbers", 7)->is_packed);
    CU_ASSERT_FALSE(message_field(message, "unpacked", 8)->is_packed);
    CU_ASSERT_TRUE(message_field(message, "counts", 6)->is_map);
    descriptors_destroy(set);
}

static void test_services_carry_methods_and_http_rules(void)
{
    struct descriptor_set *set = fixture_descriptors();
    const struct service_descriptor *service = descriptors_service(set, "transcode.Things");
    const struct method_descriptor *method = NULL;

    CU_ASSERT_PTR_NOT_NULL_FATAL(service);
    CU_ASSERT_EQUAL(descriptors_service_count(set), 1);
    method = service_method(service, "Get");
    CU_ASSERT_PTR_NOT_NULL_FATAL(method);
    CU_ASSERT_STRING_EQUAL(method->path, "/transcode.Things/Get");
    CU_ASSERT_EQUAL_FATAL(method->rule_count, 2);
    CU_ASSERT_STRING_EQUAL(method->rules[0].method, "GET");
    CU_ASSERT_STRING_EQUAL(method->rules[1].path, "/v1/{name=shelves/*/things/*}");
    method = service_method(service, "Replace");
    CU_ASSERT_STRING_EQUAL(method->rules[0].body, "shape");
    CU_ASSERT_STRING_EQUAL(method->rules[0].response_body, "shape");
    CU_ASSERT_STRING_EQUAL(service_method(service, "Raw")->rules[0].method, "PURGE");
    CU_ASSERT_EQUAL(service_method(service, "Watch")->rule_count, 0);
    CU_ASSERT_TRUE(service_method(service, "Watch")->is_server_streaming);
    CU_ASSERT_PTR_NULL(service_method(service, "Gett"));
    descriptors_destroy(set);
}

static void test_enums_translate_both_ways(void)
{
    struct descriptor_set *set = fixture_descriptors();
    const struct enum_descriptor *colour = descriptors_enum(set, "transcode.Colour");
    int32_t number = 7;

    CU_ASSERT_PTR_NOT_NULL_FATAL(colour);
    CU_ASSERT_TRUE(enum_number(colour, "BLUE", 4, &number));
    CU_ASSERT_EQUAL(number, -2);
    CU_ASSERT_FALSE(enum_number(colour, "BLU", 3, &number));
    CU_ASSERT_STRING_EQUAL(enum_name(colour, 1), "RED");
    CU_ASSERT_PTR_NULL(enum_name(colour, 9));
    descriptors_destroy(set);
}

static void test_files_are_found_by_name_and_symbol(void)
{
    struct descriptor_set *set = fixture_descriptors();
    const struct file_descriptor *file = descriptors_file(set, "transcode.proto");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(file->dependency_count, 6);
    CU_ASSERT_PTR_EQUAL(descriptors_file_of(set, "transcode.Things"), file);
    CU_ASSERT_PTR_EQUAL(descriptors_file_of(set, "transcode.Things.Get"), file);
    CU_ASSERT_PTR_EQUAL(descriptors_file_of(set, "transcode.Shapes.child"), file);
    CU_ASSERT_PTR_NULL(descriptors_file_of(set, "transcode.Things.Nothing"));
    CU_ASSERT_PTR_NULL(descriptors_file_of(set, "nothing"));
    descriptors_destroy(set);
}

/* Every prefix of the set, and every set with one byte changed, is refused or read, never worse. */
static void test_damaged_sets_are_survived(void)
{
    struct atlas_bytes bytes = fixture_read(TRANSCODE_DESCRIPTORS);
    char *copy = malloc(bytes.len);

    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    for (size_t i = 0; i < bytes.len; i += 7) {
        struct descriptor_set *set = NULL;

        descriptors_create((struct atlas_bytes){bytes.data, i}, &set, NULL);
        descriptors_destroy(set);
        set = NULL;
        memcpy(copy, bytes.data, bytes.len);
        copy[i] = (char)(copy[i] ^ (1 << (i % 8)));
        descriptors_create((struct atlas_bytes){copy, bytes.len}, &set, NULL);
        descriptors_destroy(set);
    }
    free(copy);
}

static void test_failures_name_file_and_message(void)
{
    /* file { name: "a.proto" message_type { name: "M" field { name: "f" number: 1 type: 11
     * type_name: ".missing" } } } */
    static const char set_bytes[] = "\x0a\x21\x0a\x07"
                                    "a.proto"
                                    "\x22\x16\x0a\x01M\x12\x11\x0a\x01"
                                    "f\x18\x01\x28\x0b\x32\x08.missing";
    struct descriptor_set *set = NULL;
    struct error error = {0};

    CU_ASSERT_EQUAL(
        descriptors_create((struct atlas_bytes){set_bytes, sizeof set_bytes - 1}, &set, &error),
        ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "file a.proto"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "message M: field f: type .missing"));
}

/* Messages nested a thousand deep inside each other end with an error, not with the stack. */
static void test_deep_nesting_is_refused(void)
{
    struct arena arena;
    struct buffer buffer;
    struct descriptor_set *set = NULL;
    size_t marks[1000];

    arena_init(&arena, NULL, 1 << 20);
    buffer_init(&buffer, &arena, 1 << 16, 1 << 18);
    buffer_put(&buffer, "\x0a", 1);
    size_t file = wire_open(&buffer);
    for (size_t i = 0; i < 1000; i++) {
        buffer_put_string(&buffer, i == 0 ? "\x22" : "\x1a");
        marks[i] = wire_open(&buffer);
        buffer_put_string(&buffer, "\x0a\x01M");
    }
    for (size_t i = 1000; i > 0; i--) {
        wire_close(&buffer, marks[i - 1]);
    }
    wire_close(&buffer, file);
    CU_ASSERT_EQUAL(descriptors_create(buffer_bytes(&buffer), &set, NULL), ATLAS_INVALID_ARGUMENT);
    arena_finish(&arena);
}

UNIT_MAIN("descriptors", UNIT_TEST(test_messages_and_fields_are_found_by_name_and_number),
          UNIT_TEST(test_presence_and_packing_follow_proto3),
          UNIT_TEST(test_services_carry_methods_and_http_rules),
          UNIT_TEST(test_enums_translate_both_ways),
          UNIT_TEST(test_files_are_found_by_name_and_symbol),
          UNIT_TEST(test_damaged_sets_are_survived), UNIT_TEST(test_failures_name_file_and_message),
          UNIT_TEST(test_deep_nesting_is_refused))
