/* scale.c: a million rows loaded, deleted, inserted again and reopened.
 *
 *   scale DIRECTORY [ROWS] [DIM]        (default 1,000,000 x 128, f32, squared L2)
 *
 * At the end the same rows are built afresh, to compare the recall. Rows lie in far clouds, so
 * a walk may end in the wrong one: with only a few hundred questions, differences are chance.
 *
 * Rows come from a generator, a batch at a time, so that the memory shown is the
 * library's. One line per step: time, anonymous and file-backed resident memory, disk. */
#include "probe.h"
#include "vdb_common.h"

enum { BATCH = 10000, K = 10, CLOUD = 1000, ASKED = 5000 };

static const char *directory;
static struct vdb_setup setup = {.metric = VDB_METRIC_L2SQ, .scalar = VDB_SCALAR_F32};
/* As many clouds as there are thousands of rows: neighbourhoods are as hard at any size. */
static uint64_t centres = 1;
static vdb_error_t err = {.struct_size = sizeof err};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static float unit(uint64_t *state) { return (float)(next(state) >> 40) / (float)(1u << 24); }

/* The row of an id in a generation: a point of a cloud around one of the centres. */
static void make_row(uint64_t id, uint64_t generation, float *row) {
    uint64_t state = id * 2 + generation * 0x51ed270b7f4a7c15u, centre = next(&state) % centres;
    for (uint64_t i = 0; i < setup.dim; i++) {
        float around = unit(&centre), spread = unit(&state) + unit(&state) + unit(&state) - 1.5f;
        row[i] = around + 0.35f * spread;
    }
}

static void report(const char *step, double start, uint64_t rows) {
    double took = wall_s() - start;
    printf("%-22s %8.2f s", step, took);
    if (rows) printf("  %9.0f rows/s", (double)rows / took);
    else printf("  %16s", "");
    printf("  anonymous %6.0f MB  mapped %6.0f MB  disk %6.0f MB\n", (double)memory_bytes("RssAnon") / 1e6,
           (double)memory_bytes("RssFile") / 1e6, (double)disk_bytes(directory, 1) / 1e6);
    fflush(stdout);
}

/* Every other row is replaced once. */
static uint64_t newest(uint64_t id) { return id % 2 == 0; }
static uint64_t oldest(uint64_t id) { return (void)id, 0; }

/* Inserts the rows first, first + step, ... below `end`. */
static void insert(vdb *db, uint64_t first, uint64_t end, uint64_t step, uint64_t (*generation)(uint64_t)) {
    uint64_t *ids = (uint64_t *)malloc(BATCH * sizeof *ids);
    float *vectors = (float *)malloc(BATCH * setup.dim * sizeof *vectors);
    if (!ids || !vectors) exit(1);
    for (uint64_t id = first; id < end;) {
        size_t count = 0;
        for (; count < BATCH && id < end; id += step, count++) {
            ids[count] = id;
            make_row(id, generation(id), vectors + count * setup.dim);
        }
        check(vdb_insert_batch(db, ids, vectors, count, setup.dim, 0, VDB_SCALAR_F32, NULL, &err), "insert", &err);
    }
    free(ids);
    free(vectors);
}

static void delete_rows(vdb *db, uint64_t first, uint64_t end, uint64_t step) {
    uint64_t ids[BATCH], deleted;
    for (uint64_t id = first; id < end;) {
        size_t count = 0;
        for (; count < BATCH && id < end; id += step) ids[count++] = id;
        check(vdb_delete_batch(db, ids, count, &deleted, &err), "delete", &err);
        if (deleted != count) exit(1);
    }
}

static vdb *reopen(vdb *db) {
    float *query = (float *)malloc(setup.dim * sizeof *query), distances[K];
    uint64_t ids[K];
    double start = wall_s();
    if (!query) exit(1);
    check(vdb_close(db, &err), "close", &err);
    report("close", start, 0);
    start = wall_s();
    db = open_vdb(directory, &setup);
    double opened = wall_s();
    make_row(UINT64_MAX / 2, 9, query);
    check(vdb_search(db, query, 1, setup.dim, 0, K, NULL, ids, distances, NULL, &err), "search", &err);
    report("open + first answer", start, 0);
    printf("%-22s %8.2f ms, first answer %.2f ms\n", "  of it open", (opened - start) * 1e3, (wall_s() - opened) * 1e3);
    free(query);
    return db;
}

/* Makes the questions, and returns the distance of the K-th nearest row to each: the same for all
 * databases of the same rows. */
static float *exact(vdb *db, float *questions) {
    float *distances = (float *)malloc(ASKED * K * sizeof *distances), *last = (float *)malloc(ASKED * sizeof *last);
    uint64_t *ids = (uint64_t *)malloc(ASKED * K * sizeof *ids);
    if (!distances || !last || !ids) exit(1);
    for (uint64_t i = 0; i < ASKED; i++) make_row(UINT64_MAX / 4 + i, 9, questions + i * setup.dim);
    check(vdb_search_exact(db, questions, ASKED, setup.dim, 0, K, NULL, ids, distances, NULL, &err), "exact", &err);
    for (uint64_t i = 0; i < ASKED; i++) last[i] = distances[i * K + K - 1];
    free(distances);
    free(ids);
    return last;
}

/* Recall@10 of searches of several breadths, and the time of a search. */
static void ask(vdb *db, const char *step, const float *questions, const float *last) {
    static const uint32_t breadths[] = {16, 32, 64, 128};
    float found[K];
    uint64_t ids[K];
    vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
    /* The first searches bring what they walk into memory. */
    for (uint64_t i = 0; i < ASKED; i++)
        check(vdb_search(db, questions + i * setup.dim, 1, setup.dim, 0, K, &params, ids, found, NULL, &err), "search", &err);
    for (size_t b = 0; b < sizeof breadths / sizeof *breadths; b++) {
        size_t right = 0, lost = 0;
        double start = wall_s();
        params.ef = breadths[b];
        for (uint64_t i = 0; i < ASKED; i++) {
            size_t before = right;
            check(vdb_search(db, questions + i * setup.dim, 1, setup.dim, 0, K, &params, ids, found, NULL, &err),
                  "search", &err);
            for (int j = 0; j < K; j++) right += found[j] <= last[i] * (1 + 1e-6f);
            lost += right == before;
        }
        printf("%-22s ef %3u: recall@%d %.4f (%.4f found nothing), %.0f us a search\n", step, breadths[b], K,
               (double)right / (ASKED * K), (double)lost / ASKED, (wall_s() - start) / ASKED * 1e6);
    }
}

int main(int argc, char **argv) {
    uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000, live = 0;
    setup.dim = argc > 3 ? strtoull(argv[3], NULL, 10) : 128;
    if (argc < 2 || rows < 2 || setup.dim == 0) {
        fprintf(stderr, "usage: %s DIRECTORY [ROWS] [DIM]\n", argv[0]);
        return 2;
    }
    directory = argv[1];
    centres = rows / CLOUD > 0 ? rows / CLOUD : 1;
    vdb *db = open_vdb(directory, &setup);
    double start = wall_s();
    insert(db, 0, rows, 1, oldest);
    report("insert", start, rows);
    start = wall_s();
    check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
    report("index the rest", start, 0);
    db = reopen(db);
    start = wall_s();
    delete_rows(db, 0, rows, 2);
    report("delete half", start, rows / 2);
    start = wall_s();
    insert(db, 0, rows, 2, newest);
    report("insert others", start, rows / 2);
    start = wall_s();
    check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
    report("index the rest", start, 0);
    db = reopen(db);
    float *questions = (float *)malloc(ASKED * setup.dim * sizeof *questions);
    if (!questions) return 1;
    float *last = exact(db, questions);
    ask(db, "ask, half replaced", questions, last);
    check(vdb_count(db, NULL, &live, &err), "count", &err);
    check(vdb_close(db, &err), "close", &err);
    db = open_vdb(NULL, &setup);
    insert(db, 0, rows, 1, newest);
    check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
    ask(db, "ask, built afresh", questions, last);
    check(vdb_close(db, &err), "close", &err);
    free(questions);
    free(last);
    if (live != rows) fprintf(stderr, "%llu rows instead of %llu\n", (unsigned long long)live, (unsigned long long)rows);
    return live != rows;
}
