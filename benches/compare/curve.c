/* curve.c: what one size costs: building, searching, memory, disk, opening. One line of JSON.
 *
 *   curve DIRECTORY ROWS DIM
 *
 * Cosine, f32, durable batches, rows from embeddings.h. CPU time is of the whole process, helper
 * threads included, less what the generator and the plain writes took. curve.py runs the sizes and
 * fits the exponents. The same batches are also written plainly, in turn with the inserts, to a
 * file beside the database: write and fdatasync, which is what the disk allows. */
#include "embeddings.h"
#include <fcntl.h>
#include <unistd.h>
#include "probe.h"
#include "vdb_common.h"

enum { BATCH = 10000, K = 10, ASKED = 300, PASSES = 3, OPENINGS = 5, BREADTHS = 16, SETTLE_S = 20, PLAIN_MOST = 1 << 30 };

static const char *directory;
static struct vdb_setup setup = {.metric = VDB_METRIC_COSINE, .scalar = VDB_SCALAR_F32};
static vdb_error_t err = {.struct_size = sizeof err};
static struct embeddings rows;

static void *allocated(size_t bytes) {
    void *memory = malloc(bytes);
    if (!memory) exit(1);
    return memory;
}

/* What it took to write the rows, in seconds. */
struct built {
    double cpu, inserting, writing;
};

/* Appends bytes to a file and syncs it; the file begins anew when it is long. */
static void write_plainly(int file, const void *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t now = write(file, (const char *)bytes + done, count - done);
        if (now <= 0) exit(1);
        done += (size_t)now;
    }
    if (fdatasync(file) != 0) exit(1);
}

/* Inserts all rows and has them indexed. */
static struct built build(vdb *db, uint64_t count) {
    char name[4096];
    uint64_t *ids = (uint64_t *)allocated(BATCH * sizeof *ids);
    float *vectors = (float *)allocated(BATCH * setup.dim * sizeof *vectors);
    struct built took = {0, 0, 0};
    double start = cpu_s(), own = 0;
    snprintf(name, sizeof name, "%s.plain", directory);
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0644);
    if (file < 0 || unlink(name) != 0) exit(1);
    for (uint64_t id = 0; id < count;) {
        size_t batch = 0;
        double begun = seconds(CLOCK_THREAD_CPUTIME_ID), at = wall_s();
        if (lseek(file, 0, SEEK_CUR) > PLAIN_MOST && ftruncate(file, 0) != 0) exit(1);
        for (; batch < BATCH && id < count; id++, batch++) {
            ids[batch] = id;
            embedding(&rows, id, vectors + batch * setup.dim);
        }
        at = wall_s();
        write_plainly(file, vectors, batch * setup.dim * sizeof *vectors);
        took.writing += wall_s() - at;
        own += seconds(CLOCK_THREAD_CPUTIME_ID) - begun;
        at = wall_s();
        check(vdb_insert_batch(db, ids, vectors, batch, setup.dim, 0, VDB_SCALAR_F32, NULL, &err), "insert", &err);
        took.inserting += wall_s() - at;
    }
    close(file);
    check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
    free(ids);
    free(vectors);
    took.cpu = cpu_s() - start - own;
    return took;
}

static void search(vdb *db, const float *query, uint32_t ef, float *found) {
    vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
    uint64_t ids[K];
    params.ef = ef;
    check(vdb_search(db, query, 1, setup.dim, 0, K, &params, ids, found, NULL, &err), "search", &err);
}

static int ascending(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Medians of several openings, each with another first question, in ms; the last one stays open. */
static vdb *openings(const float *questions, double *open_ms, double *answer_ms) {
    double opened[OPENINGS], answered[OPENINGS];
    float found[K];
    vdb *db = NULL;
    for (int i = 0; i < OPENINGS; i++) {
        if (db) check(vdb_close(db, &err), "close", &err);
        double start = wall_s();
        db = open_vdb(directory, &setup);
        double then = wall_s();
        search(db, questions + (uint64_t)i * setup.dim, 0, found);
        answered[i] = (wall_s() - then) * 1e3;
        opened[i] = (then - start) * 1e3;
    }
    qsort(opened, OPENINGS, sizeof *opened, ascending);
    qsort(answered, OPENINGS, sizeof *answered, ascending);
    *open_ms = opened[OPENINGS / 2];
    *answer_ms = answered[OPENINGS / 2];
    return db;
}

/* Asks until what searches walk was moved into memory, or for some time: small ones are there at once. */
static void settle(vdb *db, const float *questions) {
    float found[K];
    uint64_t before = memory_bytes("RssAnon");
    for (double start = wall_s(); wall_s() - start < SETTLE_S && memory_bytes("RssAnon") < before + setup.dim * 1000;)
        for (uint64_t i = 0; i < ASKED; i++) search(db, questions + i * setup.dim, 0, found);
    check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
}

/* Recall@K of one breadth and the CPU time of a search, the least of a few passes. */
static double ask(vdb *db, const float *questions, const float *last, uint32_t ef, double *us) {
    float found[K];
    size_t right = 0;
    *us = 1e9;
    for (int pass = 0; pass < PASSES; pass++) {
        double start = cpu_s();
        right = 0;
        for (uint64_t i = 0; i < ASKED; i++) {
            search(db, questions + i * setup.dim, ef, found);
            for (int j = 0; j < K; j++) right += found[j] <= last[i] * (1 + 1e-5f) + 1e-7f;
        }
        double took = (cpu_s() - start) / ASKED * 1e6;
        *us = took < *us ? took : *us;
    }
    return (double)right / (ASKED * K);
}

/* The distance of the K-th nearest row to each question. */
static float *exact(vdb *db, const float *questions) {
    float *distances = (float *)allocated(ASKED * K * sizeof *distances), *last = (float *)allocated(ASKED * sizeof *last);
    uint64_t *ids = (uint64_t *)allocated(ASKED * K * sizeof *ids);
    check(vdb_search_exact(db, questions, ASKED, setup.dim, 0, K, NULL, ids, distances, NULL, &err), "exact", &err);
    for (uint64_t i = 0; i < ASKED; i++) last[i] = distances[i * K + K - 1];
    free(distances);
    free(ids);
    return last;
}

int main(int argc, char **argv) {
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    setup.dim = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (count < BATCH || setup.dim == 0) {
        fprintf(stderr, "usage: %s DIRECTORY ROWS DIM      (at least %d rows)\n", argv[0], BATCH);
        return 2;
    }
    directory = argv[1];
    rows = embeddings_new(setup.dim, count);
    float *questions = (float *)allocated(ASKED * setup.dim * sizeof *questions);
    for (uint64_t i = 0; i < ASKED; i++) embedding(&rows, UINT64_MAX / 4 + i, questions + i * setup.dim);
    vdb *db = open_vdb(directory, &setup);
    struct built took = build(db, count);
    double open_ms, answer_ms, recall = 0;
    check(vdb_close(db, &err), "close", &err);
    uint64_t disk = disk_bytes(directory, 1);
    db = openings(questions, &open_ms, &answer_ms);
    settle(db, questions);
    printf("{\"rows\": %llu, \"dim\": %llu, \"build_cpu_s\": %.3f, \"insert_rows_s\": %.0f, \"plain_rows_s\": %.0f, \"open_ms\": %.3f, \"first_answer_ms\": %.3f, "
           "\"memory_bytes\": %llu, \"disk_bytes\": %llu, \"searches\": [",
           (unsigned long long)count, (unsigned long long)setup.dim, took.cpu,
           (double)count / took.inserting, (double)count / took.writing, open_ms, answer_ms,
           (unsigned long long)memory_bytes("RssAnon"), (unsigned long long)disk);
    float *last = exact(db, questions);
    for (int i = 0; i < BREADTHS && recall < 0.995; i++) {
        double us, ef = 10 * pow(2, i / 2.0);
        recall = ask(db, questions, last, (uint32_t)ef, &us);
        printf("%s[%u, %.4f, %.2f]", i ? ", " : "", (uint32_t)ef, recall, us);
    }
    printf("]}\n");
    check(vdb_close(db, &err), "close", &err);
    free(questions);
    free(last);
    free(rows.matrix);
    return 0;
}
