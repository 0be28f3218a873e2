/* A tiny test runner: named tests, checks that report and go on, and the few helpers that
 * every file needs. One table of tests per file; harness.c runs them all. */
#ifndef VDB_HARNESS_H
#define VDB_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vdb.h>

typedef struct test {
  const char *name;
  void (*run)(void);
} test;

#define TEST_TABLE(area) const test area##_tests[]
#define TEST(name) { #name, name }
#define END_OF_TESTS { NULL, NULL }

/* Records a failure; from any thread. */
void fail(const char *file, int line, const char *format, ...);
/* Says why a test, or a part of one, was not run. */
void skip(const char *why);
/* Compares and remembers that `expected` was provoked. */
bool check_status(const char *file, int line, const char *call, vdb_status_t expected, vdb_status_t got,
                  const vdb_error_t *error);
/* Whether some check saw this status. */
bool status_seen(vdb_status_t status);

#define CHECK(condition) \
  do { if (!(condition)) fail(__FILE__, __LINE__, "%s", #condition); } while (0)
#define CHECK_U64(expected, got) \
  do { \
    uint64_t e_ = (uint64_t)(expected), g_ = (uint64_t)(got); \
    if (e_ != g_) fail(__FILE__, __LINE__, "%s is %llu, not %llu", #got, (unsigned long long)g_, (unsigned long long)e_); \
  } while (0)
/* `call` uses the `error` in scope. */
#define CHECK_STATUS(expected, call) check_status(__FILE__, __LINE__, #call, (expected), (call), &error)
#define CHECK_OK(call) CHECK_STATUS(VDB_OK, call)
/* As CHECK_OK, but leaves the test: for what the rest depends on. */
#define REQUIRE_OK(call) \
  do { if (!CHECK_OK(call)) return; } while (0)
#define REQUIRE(condition) \
  do { if (!(condition)) { fail(__FILE__, __LINE__, "%s", #condition); return; } } while (0)

/* Whether to run with small sizes: under valgrind and sanitizers everything is slow. */
bool quick(void);
/* A fresh path in a directory that is removed after the test. Valid until the test ends. */
const char *temp_path(const char *name);
/* A forked process that does a part of a test. */
typedef struct child { long pid; int answer; } child;
/* Runs `body` in a child; after 120 s without an answer it is ended. */
child start_child(bool (*body)(void *), void *argument);
/* Waits for it; true when `body` returned true and nothing hung or crashed. */
bool end_child(child started);
/* Repeatable numbers: uniform in [-1, 1). */
float noise(uint64_t *state);
void fill_noise(float *values, size_t count, uint64_t seed);
/* Seconds on a clock that never goes back. */
double now_s(void);

/* Options for `dim` components of F32 under L2SQ, opened at `path` or in memory. NULL on failure. */
vdb *open_db(const char *path, size_t dim);
/* As open_db with more options set by name: pairs (name, value), NULL at the end. */
vdb *open_db_with(const char *path, size_t dim, const char *const *pairs);
/* Inserts `count` rows with ids from `first` up; the vectors are noise of the seed `first`. */
void insert_noise(vdb *db, uint64_t first, size_t count, size_t dim);

#endif
