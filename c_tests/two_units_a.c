/* The header twice in one file, and in two files of one program: nothing is defined twice. */
#include <vdb.h>
#include <vdb.h>

#include "harness.h"

uint32_t number_seen_by_b(void);

static void two_files_agree(void) { CHECK_U64(VDB_VERSION_NUMBER, number_seen_by_b()); }

TEST_TABLE(two_units) = {
    TEST(two_files_agree),
    END_OF_TESTS,
};
