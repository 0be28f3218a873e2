/* What the tests of behaviour count, and the database that most of them use. */

#ifndef VDB_TESTS_CHECK
#define VDB_TESTS_CHECK

#include <cstdio>
#include <vdb.hpp>

inline int failures = 0, checks = 0;

#define CHECK(what)                                                                                                    \
    do {                                                                                                               \
        checks++;                                                                                                      \
        if (!(what)) {                                                                                                 \
            failures++;                                                                                                \
            std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                                             \
        }                                                                                                              \
    } while (0)

inline vdbpp::Database filled() {
    vdbpp::Result<vdbpp::Database> db = vdbpp::Database::in_memory(vdbpp::Options().dim(2));
    CHECK(db.ok() && db->upsert({1, 2, 3}, vdbpp::Rows(std::vector<float>{0, 0, 3, 4, 6, 8}, 2)).ok());
    return std::move(*db);
}

#endif // VDB_TESTS_CHECK
