/* 64 threads in all functions at once, on databases that they share and on their own. */
#define _GNU_SOURCE
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
  THREADS = 64,
  DIM = 8,
  K = 10,
  /* Rows that are there all the time, so that every answer is full. */
  LASTING = 100,
  WRITERS = 16,
  OWN = 20,
  IDS = LASTING + WRITERS * OWN,
  /* Handles that only read; they are replaced while others use them. */
  READERS = 3,
};

/* Every id has versions, written by one thread; an old one is never seen after a newer one
 * was acknowledged, and no version before it was begun. */
typedef struct shared {
  vdb *db;
  const char *path;
  int rounds;
  _Atomic(vdb *) readers[READERS];
  atomic_uint begun[IDS], done[IDS];
  /* Threads begun, readers used or replaced, calls refused and answered, rows
   * inserted until the close. */
  atomic_uint next, turn, refused, answers, inserted;
} shared;

/* Whether the id is deleted in this version; 0 is before the first. */
static bool is_deleted(uint64_t id, unsigned version) {
  return version == 0 || (id >= LASTING && (id + version) % 4 == 0);
}

/* Small whole numbers, so that distances are exact in any order of the sums. */
static void row(uint64_t id, unsigned version, float *vector) {
  uint64_t state = id << 32 | version;
  for (int i = 0; i < 4; i++) (void)noise(&state);
  for (int i = 0; i < DIM; i++) vector[i] = (float)(int)(noise(&state) * 16);
}

static float distance_to(uint64_t id, unsigned version, const float *query) {
  float vector[DIM], sum = 0;
  row(id, version, vector);
  for (int i = 0; i < DIM; i++) sum += (vector[i] - query[i]) * (vector[i] - query[i]);
  return sum;
}

/* The next version of one id: an insert, an upsert or a delete. */
static bool write_next(shared *s, uint64_t id) {
  vdb_error_t error = VDB_ERROR_INIT;
  unsigned version = atomic_fetch_add(&s->begun[id], 1) + 1;
  bool was_there = !is_deleted(id, version - 1), ok;
  uint64_t deleted = 0;
  float vector[DIM];
  row(id, version, vector);
  if (is_deleted(id, version)) {
    ok = CHECK_OK(vdb_delete_batch(s->db, &id, 1, &deleted, &error));
    if (deleted != was_there) fail(__FILE__, __LINE__, "id %llu: %d rows deleted", (unsigned long long)id, (int)deleted);
  } else if (was_there) {
    CHECK_STATUS(VDB_ERR_ALREADY_EXISTS,
                 vdb_insert_batch(s->db, &id, vector, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
    ok = CHECK_OK(vdb_upsert_batch(s->db, &id, vector, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  } else {
    ok = CHECK_OK(vdb_insert_batch(s->db, &id, vector, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  }
  atomic_store(&s->done[id], version);
  return ok;
}

/* One answer: full, in order, each id once, at the distance of a version that was current
 * at some time between `oldest` and now. */
static void check_hits(shared *s, const unsigned *oldest, const float *query, uint32_t count, const uint64_t *ids,
                       const float *distances) {
  CHECK_U64(K, count);
  for (uint32_t i = 0; i < count; i++) {
    REQUIRE(ids[i] < IDS);
    REQUIRE(i == 0 || distances[i - 1] < distances[i] || (distances[i - 1] == distances[i] && ids[i - 1] < ids[i]));
    unsigned version = oldest[ids[i]], newest = atomic_load(&s->begun[ids[i]]);
    while (version <= newest && (is_deleted(ids[i], version) || distance_to(ids[i], version, query) != distances[i]))
      version++;
    if (version > newest)
      fail(__FILE__, __LINE__, "id %llu at distance %g in no version of %u to %u", (unsigned long long)ids[i],
           (double)distances[i], oldest[ids[i]], newest);
    for (uint32_t j = 0; j < i; j++) CHECK(ids[i] != ids[j]);
  }
}

static void remember(shared *s, unsigned *versions) {
  for (int id = 0; id < IDS; id++) versions[id] = atomic_load(&s->done[id]);
}

static vdb_status_t ask(vdb *db, bool exact, const float *query, uint64_t *ids, float *distances, uint32_t *count,
                        vdb_error_t *error) {
  return exact ? vdb_search_exact(db, query, 1, DIM, 0, K, NULL, ids, distances, count, error)
               : vdb_search(db, query, 1, DIM, 0, K, NULL, ids, distances, count, error);
}

static void search(shared *s, uint64_t *state) {
  vdb_error_t error = VDB_ERROR_INIT;
  unsigned oldest[IDS];
  float query[DIM], distances[K];
  uint64_t ids[K];
  uint32_t count = 0;
  for (int i = 0; i < DIM; i++) query[i] = (float)(int)(noise(state) * 16);
  remember(s, oldest);
  REQUIRE_OK(ask(s->db, noise(state) < 0, query, ids, distances, &count, &error));
  check_hits(s, oldest, query, count, ids, distances);
}

/* Through a handle that another thread may close at any time. Its state may be an old one. */
static void search_beside(shared *s, uint64_t *state) {
  static const unsigned from_the_beginning[IDS];
  vdb_error_t error = VDB_ERROR_INIT;
  float query[DIM], distances[K];
  uint64_t ids[K];
  uint32_t count = 0;
  for (int i = 0; i < DIM; i++) query[i] = (float)(int)(noise(state) * 16);
  vdb *db = atomic_load(&s->readers[atomic_fetch_add(&s->turn, 1) % READERS]);
  vdb_status_t status = noise(state) < -0.5 ? vdb_refresh(db, &error) : VDB_OK;
  if (status == VDB_OK) status = ask(db, noise(state) < 0, query, ids, distances, &count, &error);
  if (status == VDB_OK) check_hits(s, from_the_beginning, query, count, ids, distances);
  else CHECK_STATUS(VDB_ERR_CLOSED, status);
  atomic_fetch_add(status == VDB_OK ? &s->answers : &s->refused, 1);
}

static vdb *open_reader(shared *s) {
  return open_db_with(s->path, DIM, (const char *const[]){"storage.read_only", "on", NULL});
}

/* Opens another handle of the same database and closes one that others use. */
static void replace_reader(shared *s) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *fresh = open_reader(s), *second = NULL;
  REQUIRE(fresh != NULL);
  vdb *old = atomic_exchange(&s->readers[atomic_fetch_add(&s->turn, 1) % READERS], fresh);
  CHECK_OK(vdb_close(old, &error));
  CHECK_STATUS(VDB_ERR_LOCKED, vdb_open(s->path, NULL, &second, &error));
}

static void use_own_database(shared *s, int thread, int round) {
  vdb_error_t error = VDB_ERROR_INIT;
  char path[600];
  uint64_t before = 0, count = 0;
  snprintf(path, sizeof path, "%.500s-%d", s->path, thread);
  vdb *db = open_db_with(round % 2 == 0 ? path : NULL, DIM, (const char *const[]){"storage.durability", "process", NULL});
  REQUIRE(db != NULL);
  CHECK_OK(vdb_count(db, NULL, &before, &error));
  insert_noise(db, 1 + (uint64_t)round * 10, 10, DIM);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(before + 10, count);
  CHECK_OK(vdb_close(db, &error));
}

static void look_around(shared *s, uint64_t *state) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_stats_t stats = {.struct_size = sizeof stats};
  uint64_t id = (uint64_t)((noise(state) + 1) / 2 * LASTING), count = 0;
  float vector[DIM];
  uint8_t found = 0;
  CHECK_OK(vdb_stats_get(s->db, &stats, &error));
  CHECK(stats.live >= LASTING && stats.live <= IDS);
  CHECK_OK(vdb_count(s->db, NULL, &count, &error));
  CHECK(count >= LASTING && count <= IDS);
  unsigned version = atomic_load(&s->done[id]);
  CHECK_OK(vdb_get_batch(s->db, &id, 1, DIM, VDB_SCALAR_F32, vector, 0, &found, &error));
  CHECK_U64(1, found);
  unsigned newest = atomic_load(&s->begun[id]);
  while (version <= newest && distance_to(id, version, vector) != 0) version++;
  CHECK(version <= newest);
}

static void *work(void *argument) {
  shared *s = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  int thread = (int)atomic_fetch_add(&s->next, 1);
  uint64_t state = 77 + (uint64_t)thread;
  for (int round = 0; round < s->rounds; round++) {
    if (thread < WRITERS) {
      write_next(s, (uint64_t)(LASTING + thread * OWN + round % OWN));
      /* A lasting row is one thread's too. */
      write_next(s, (uint64_t)(thread + round % (LASTING / WRITERS) * WRITERS));
    } else if (thread < 36) {
      for (int i = 0; i < 4; i++) search(s, &state);
    } else if (thread < 48) {
      for (int i = 0; i < 2; i++) search_beside(s, &state);
    } else if (thread < 51) {
      if (round % 4 == 0) replace_reader(s);
    } else if (thread < 58) {
      if (round % 4 == 0) use_own_database(s, thread, round / 4);
    } else if (thread < 61) {
      look_around(s, &state);
    } else if (thread == 61) {
      if (round % 8 == 0) CHECK_OK(vdb_checkpoint(s->db, NULL, &error));
    } else if (thread == 62) {
      if (round % 8 == 0) CHECK_OK(vdb_wait_indexed(s->db, NULL, &error));
    } else if (round % 16 == 0) {
      CHECK_OK(vdb_sync(s->db, &error));
    }
  }
  return NULL;
}

static void run_threads(void *(*body)(void *), shared *s, pthread_t *threads) {
  for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, body, s) == 0);
}

static void join_threads(pthread_t *threads) {
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

/* Each row in its last version, the files whole. */
static void check_everything(shared *s, vdb *db) {
  vdb_error_t error = VDB_ERROR_INIT;
  char report[2000];
  size_t len = 0;
  for (uint64_t id = 0; id < IDS; id++) {
    float vector[DIM];
    uint8_t found = 0;
    unsigned version = atomic_load(&s->done[id]);
    CHECK_OK(vdb_get_batch(db, &id, 1, DIM, VDB_SCALAR_F32, vector, 0, &found, &error));
    CHECK_U64(!is_deleted(id, version), found);
    if (found) CHECK(distance_to(id, version, vector) == 0);
  }
  if (!CHECK_OK(vdb_check(db, VDB_CHECK_STRUCTURE, report, sizeof report, &len, NULL, &error)))
    fail(__FILE__, __LINE__, "%s", report);
}

static const char *const small_graph[] = {
    "index.graph_min_rows", "100", "hnsw.ef_construction", "16",
    "storage.durability",   "process", "runtime.threads",   "2",  NULL};

static void sixty_four_threads_in_every_function(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  static shared s;
  pthread_t threads[THREADS];
  memset(&s, 0, sizeof s);
  s.path = temp_path("stressed");
  s.rounds = quick() ? 8 : 300;
  s.db = open_db_with(s.path, DIM, small_graph);
  REQUIRE(s.db != NULL);
  for (uint64_t id = 0; id < IDS; id++) REQUIRE(write_next(&s, id));
  for (int i = 0; i < READERS; i++) atomic_store(&s.readers[i], open_reader(&s));
  run_threads(work, &s, threads);
  join_threads(threads);
  CHECK(atomic_load(&s.answers) > 0);
  check_everything(&s, s.db);
  for (int i = 0; i < READERS; i++) {
    CHECK_OK(vdb_refresh(s.readers[i], &error));
    check_everything(&s, s.readers[i]);
    CHECK_OK(vdb_close(s.readers[i], &error));
  }
  CHECK_OK(vdb_close(s.db, &error));
  s.db = open_db(s.path, DIM);
  check_everything(&s, s.db);
  CHECK_OK(vdb_close(s.db, &error));
}

/* Calls until the handle is closed: each has its whole effect, or is VDB_ERR_CLOSED. */
static void *call_until_closed(void *argument) {
  shared *s = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  int thread = (int)atomic_fetch_add(&s->next, 1);
  uint64_t state = 1 + (uint64_t)thread, ids[K], id = state << 32, count = 0;
  float query[DIM], distances[K];
  uint32_t found = 0;
  vdb_stats_t stats = {.struct_size = sizeof stats};
  vdb_status_t status = VDB_OK;
  while (status == VDB_OK) {
    for (int i = 0; i < DIM; i++) query[i] = noise(&state);
    if (thread < 32) {
      status = ask(s->db, thread % 2 == 0, query, ids, distances, &found, &error);
      if (status == VDB_OK) CHECK_U64(K, found);
    } else if (thread < 56) {
      status = vdb_insert_batch(s->db, &id, query, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error);
      id += status == VDB_OK;
      atomic_fetch_add(&s->inserted, status == VDB_OK);
    } else if (thread < 60) {
      status = vdb_count(s->db, NULL, &count, &error);
    } else if (thread < 62) {
      status = vdb_stats_get(s->db, &stats, &error);
    } else {
      status = thread == 62 ? vdb_checkpoint(s->db, NULL, &error) : vdb_wait_indexed(s->db, NULL, &error);
    }
    atomic_fetch_add(&s->answers, 1);
  }
  CHECK_STATUS(VDB_ERR_CLOSED, status);
  return NULL;
}

/* What was acknowledged before the close, and nothing else, is there afterwards. */
static void a_close_waits_for_the_calls_of_64_threads(void) {
  for (int round = 0; round < (quick() ? 1 : 5); round++) {
    vdb_error_t error = VDB_ERROR_INIT;
    static shared s;
    pthread_t threads[THREADS];
    uint64_t count = 0;
    char name[32];
    memset(&s, 0, sizeof s);
    snprintf(name, sizeof name, "closed-%d", round);
    s.path = temp_path(name);
    s.db = open_db_with(s.path, DIM, small_graph);
    REQUIRE(s.db != NULL);
    insert_noise(s.db, 0, 500, DIM);
    run_threads(call_until_closed, &s, threads);
    /* Not before all have begun, in whatever order they get to run. */
    while (atomic_load(&s.next) < THREADS || atomic_load(&s.answers) < (quick() ? 1 : 3) * THREADS) usleep(1000);
    CHECK_OK(vdb_close(s.db, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_close(s.db, &error));
    join_threads(threads);
    s.db = open_db(s.path, DIM);
    CHECK_OK(vdb_count(s.db, NULL, &count, &error));
    CHECK_U64(500 + atomic_load(&s.inserted), count);
    CHECK_OK(vdb_close(s.db, &error));
  }
}

TEST_TABLE(stress) = {
    TEST(sixty_four_threads_in_every_function),
    TEST(a_close_waits_for_the_calls_of_64_threads),
    END_OF_TESTS,
};
