/* Any function from any thread at any time. */
#define _GNU_SOURCE
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { DIM = 8, K = 5, MAX_THREADS = 256 };

typedef struct shared {
  vdb *db;
  atomic_bool stop;
  atomic_uint next;
  atomic_ullong calls;
  /* Rows below this id were deleted for good before it was raised. */
  atomic_ullong deleted_below;
} shared;

static int thread_count(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  long threads = 4 * (cores < 1 ? 1 : cores);
  return (int)(threads > MAX_THREADS ? MAX_THREADS : threads);
}

static void run_threads(int count, void *(*body)(void *), shared *s, pthread_t *threads) {
  for (int i = 0; i < count; i++) CHECK(pthread_create(&threads[i], NULL, body, s) == 0);
}

static void join_threads(int count, pthread_t *threads) {
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

/* Searches until told to stop: no errors, order kept, nothing deleted returned. */
static void *search_all_the_time(void *argument) {
  shared *s = argument;
  uint64_t state = 1 + atomic_fetch_add(&s->next, 1), ids[K];
  vdb_error_t error = VDB_ERROR_INIT;
  float query[DIM], distances[K];
  uint32_t counts[1];
  while (!atomic_load(&s->stop)) {
    for (int i = 0; i < DIM; i++) query[i] = noise(&state);
    uint64_t gone = atomic_load(&s->deleted_below);
    if (!CHECK_OK(vdb_search(s->db, query, 1, DIM, 0, K, NULL, ids, distances, counts, &error))) break;
    for (uint32_t i = 0; i < counts[0]; i++) {
      CHECK(ids[i] >= gone && ids[i] != VDB_ID_NONE);
      CHECK(i == 0 || distances[i - 1] <= distances[i]);
      for (uint32_t j = 0; j < i; j++) CHECK(ids[i] != ids[j]);
    }
    atomic_fetch_add(&s->calls, 1);
  }
  return NULL;
}

/* Inserts batches of ids of its own until told to stop. */
static void *insert_all_the_time(void *argument) {
  shared *s = argument;
  uint64_t id = (uint64_t)(1 + atomic_fetch_add(&s->next, 1)) << 32;
  while (!atomic_load(&s->stop)) {
    insert_noise(s->db, id, 50, DIM);
    id += 50;
    atomic_fetch_add(&s->calls, 50);
  }
  return NULL;
}

static void searches_see_only_living_rows_while_others_write(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  int searchers = thread_count();
  size_t rows = quick() ? 1000 : 8000;
  double seconds = quick() ? 0.5 : 2.0;
  shared s = {.db = open_db_with(NULL, DIM, (const char *const[]){"index.graph_min_rows", "500", NULL})};
  pthread_t threads[MAX_THREADS], writers[2];
  insert_noise(s.db, 0, rows, DIM);
  run_threads(searchers, search_all_the_time, &s, threads);
  /* Or all rows could be deleted before the first search begins. */
  double start = now_s();
  while (atomic_load(&s.calls) == 0 && now_s() - start < 60) usleep(100);
  shared w = {.db = s.db};
  run_threads(2, insert_all_the_time, &w, writers);
  double end = now_s() + seconds;
  for (uint64_t first = 0; first < rows && now_s() < end; first += 20) {
    uint64_t ids[20], deleted = 0;
    for (uint64_t i = 0; i < 20; i++) ids[i] = first + i;
    CHECK_OK(vdb_delete_batch(s.db, ids, 20, &deleted, &error));
    CHECK_U64(20, deleted);
    atomic_store(&s.deleted_below, first + 20);
  }
  atomic_store(&s.stop, true);
  atomic_store(&w.stop, true);
  join_threads(searchers, threads);
  join_threads(2, writers);
  uint64_t count = 0;
  CHECK_OK(vdb_count(s.db, NULL, &count, &error));
  CHECK_U64(rows - atomic_load(&s.deleted_below) + atomic_load(&w.calls), count);
  CHECK(atomic_load(&s.calls) > 0);
  CHECK_OK(vdb_close(s.db, &error));
}

/* One of many threads that close the same handle succeeds. */
static void *close_once(void *argument) {
  shared *s = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_status_t status = vdb_close(s->db, &error);
  if (status == VDB_OK) atomic_fetch_add(&s->calls, 1);
  else CHECK_STATUS(VDB_ERR_CLOSED, status);
  return NULL;
}

static void one_of_many_closers_wins(void) {
  for (int round = 0; round < 20; round++) {
    int count = thread_count();
    pthread_t threads[MAX_THREADS];
    shared s = {.db = open_db(NULL, DIM)};
    run_threads(count, close_once, &s, threads);
    join_threads(count, threads);
    CHECK_U64(1, atomic_load(&s.calls));
  }
}

/* Opens, uses and closes databases of its own. */
static void *open_and_close(void *argument) {
  shared *s = argument;
  for (int i = 0; i < (quick() ? 5 : 30); i++) {
    vdb_error_t error = VDB_ERROR_INIT;
    vdb *db = open_db(NULL, DIM);
    uint64_t count = 0, rows = 1 + atomic_fetch_add(&s->next, 1) % 9;
    insert_noise(db, 1, rows, DIM);
    CHECK_OK(vdb_count(db, NULL, &count, &error));
    CHECK_U64(rows, count);
    CHECK_OK(vdb_close(db, &error));
  }
  return NULL;
}

static void handles_of_many_threads_do_not_mix(void) {
  int count = thread_count();
  pthread_t threads[MAX_THREADS];
  shared s = {.db = NULL};
  run_threads(count, open_and_close, &s, threads);
  join_threads(count, threads);
}

TEST_TABLE(threads) = {
    TEST(searches_see_only_living_rows_while_others_write),
    TEST(one_of_many_closers_wins),
    TEST(handles_of_many_threads_do_not_mix),
    END_OF_TESTS,
};
