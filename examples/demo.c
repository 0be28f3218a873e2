/* demo.c: a tour of vdb on 5,000 dictionary entries. `make demo` runs it.
 *
 *   demo DATA DIRECTORY
 *
 * DATA is the folder data/wordnet of this repository, DIRECTORY a database
 * directory that does not exist yet. The questions are entries that were held out:
 * each is asked by its meaning (a 384-number embedding of its text), not by its words. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <time.h>
#include <vdb.h>

#include "npy.h"

enum { K = 10, SHOWN = 3, LINE_WIDTH = 96 };

/* Lines of the query file that read well: weather, food, rivers, feelings, volcanoes. */
static const size_t QUESTIONS[] = {63, 34, 43, 89, 53};

struct texts {
    char *bytes;
    char **lines;
    size_t count;
};

/* Everything the demo works with. */
struct demo {
    npy_array rows, queries;
    struct texts glosses, questions;
    const char *directory;
    vdb *db;
    vdb_error_t err;
};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "demo: %s: %s\n", what, why);
    exit(1);
}

/* Ends the demo when a call failed; passes its status through otherwise. */
static vdb_status_t must(struct demo *demo, const char *what, vdb_status_t status) {
    if (status < 0) fail(what, demo->err.message);
    return status;
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* 1234567 as "1,234,567"; the text lives until the fourth call after. */
static const char *thousands(double value) {
    static char buffers[4][32];
    static int turn;
    char digits[32], *out = buffers[turn = (turn + 1) % 4];
    int length = snprintf(digits, sizeof digits, "%.0f", value), written = 0;
    for (int i = 0; i < length && written < 30; i++) {
        if (i > 0 && (length - i) % 3 == 0) out[written++] = ',';
        out[written++] = digits[i];
    }
    out[written] = '\0';
    return out;
}

/* Reads a text file into lines. */
static struct texts read_lines(const char *folder, const char *name, size_t count) {
    char path[4096];
    struct texts texts = {NULL, (char **)calloc(count, sizeof(char *)), 0};
    long length = -1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file && fseek(file, 0, SEEK_END) == 0) length = ftell(file);
    if (length >= 0) texts.bytes = (char *)calloc((size_t)length + 1, 1);
    if (!texts.lines || !texts.bytes) fail(path, "cannot be read");
    rewind(file);
    if (fread(texts.bytes, 1, (size_t)length, file) != (size_t)length) fail(path, "cannot be read");
    fclose(file);
    for (char *at = strtok(texts.bytes, "\n"); at && texts.count < count; at = strtok(NULL, "\n"))
        texts.lines[texts.count++] = at;
    if (texts.count != count) fail(path, "has fewer lines than there are vectors");
    return texts;
}

static void load(struct demo *demo, const char *folder) {
    char path[4096];
    snprintf(path, sizeof path, "%s/base.npy", folder);
    if (!npy_load(path, &demo->rows)) exit(1);
    snprintf(path, sizeof path, "%s/queries.npy", folder);
    if (!npy_load(path, &demo->queries)) exit(1);
    if (strcmp(demo->rows.type, "f2") != 0 || strcmp(demo->queries.type, "f2") != 0 ||
        demo->rows.cols != demo->queries.cols)
        fail(folder, "does not hold float16 rows and queries of one width");
    demo->glosses = read_lines(folder, "glosses.txt", demo->rows.rows);
    demo->questions = read_lines(folder, "query_glosses.txt", demo->queries.rows);
}

static void open_database(struct demo *demo) {
    vdb_options *options = NULL;
    must(demo, "options", vdb_options_new(&options, &demo->err));
    must(demo, "dim", vdb_options_set_u64(options, VDB_OPT_DIM, demo->rows.cols, &demo->err));
    must(demo, "metric", vdb_options_set_u64(options, VDB_OPT_METRIC, VDB_METRIC_COSINE, &demo->err));
    must(demo, "scalar", vdb_options_set_u64(options, VDB_OPT_SCALAR, VDB_SCALAR_F16, &demo->err));
    must(demo, "open", vdb_open(demo->directory, options, &demo->db, &demo->err));
    vdb_options_free(options);
}

/* Searches `count` queries from number `first` on; ids and distances hold count * K. */
static void search(struct demo *demo, size_t first, size_t count, uint64_t *ids, float *distances) {
    vdb_search_params_t params = {.struct_size = sizeof params, .query_scalar = VDB_SCALAR_F16};
    must(demo, "search",
         vdb_search(demo->db, npy_row(&demo->queries, first), count, demo->queries.cols, 0, K, &params, ids, distances,
                    NULL, &demo->err));
}

static void ingest(struct demo *demo) {
    size_t count = demo->rows.rows;
    uint64_t *ids = (uint64_t *)malloc(count * sizeof *ids);
    if (!ids) fail("ingest", "out of memory");
    for (size_t i = 0; i < count; i++) ids[i] = i;
    double start = now_ms();
    for (size_t i = 0; i < count; i += 1000) {
        size_t batch = count - i < 1000 ? count - i : 1000;
        must(demo, "insert",
             vdb_insert_batch(demo->db, ids + i, npy_row(&demo->rows, i), batch, demo->rows.cols, 0, VDB_SCALAR_F16,
                              NULL, &demo->err));
    }
    double inserted = now_ms();
    must(demo, "wait", vdb_wait_indexed(demo->db, NULL, &demo->err));
    double indexed = now_ms();
    printf("insert    %s rows in %.0f ms = %s rows/s, each batch of 1,000 safe on disk\n", thousands((double)count),
           inserted - start, thousands((double)count / (inserted - start) * 1e3));
    printf("index     ready %.0f ms later; rows can be found from the moment they are inserted\n", indexed - inserted);
    free(ids);
}

/* Ends the line with a text, cut at a width that fits the terminal. */
static void print_text(const char *text) {
    printf("%.*s%s\n", LINE_WIDTH, text, strlen(text) > LINE_WIDTH ? "..." : "");
}

/* Asks question number `i` and prints the nearest entries. */
static void ask(struct demo *demo, size_t i) {
    uint64_t ids[K];
    float distances[K];
    search(demo, i, 1, ids, distances);
    for (int j = 0; j < SHOWN; j++) {
        if (ids[j] == VDB_ID_NONE) break;
        printf("   %.3f  ", (double)distances[j]);
        print_text(ids[j] < demo->glosses.count ? demo->glosses.lines[ids[j]] : demo->questions.lines[i]);
    }
}

static void ask_questions(struct demo *demo) {
    printf("\nFive entries the database has never seen, and what it finds nearest (distance, entry):\n");
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof *QUESTIONS; i++) {
        printf("\n");
        print_text(demo->questions.lines[QUESTIONS[i]]);
        ask(demo, QUESTIONS[i]);
    }
}

/* Deletes the best answer, inserts the question itself, and puts everything back. */
static void change_rows(struct demo *demo) {
    size_t question = QUESTIONS[0];
    uint64_t ids[K], own = demo->rows.rows, deleted = 0;
    float distances[K];
    search(demo, question, 1, ids, distances);
    printf("\nAfter deleting the best three answers to the first question:\n");
    must(demo, "delete", vdb_delete_batch(demo->db, ids, SHOWN, &deleted, &demo->err));
    ask(demo, question);
    printf("After upserting them again, and the question itself as row %s:\n", thousands((double)own));
    for (int i = 0; i < SHOWN; i++)
        must(demo, "upsert",
             vdb_upsert_batch(demo->db, &ids[i], npy_row(&demo->rows, ids[i]), 1, demo->rows.cols, 0, VDB_SCALAR_F16,
                              NULL, &demo->err));
    must(demo, "upsert",
         vdb_upsert_batch(demo->db, &own, npy_row(&demo->queries, question), 1, demo->rows.cols, 0, VDB_SCALAR_F16,
                          NULL, &demo->err));
    ask(demo, question);
    must(demo, "delete", vdb_delete_batch(demo->db, &own, 1, &deleted, &demo->err));
}

/* Closes, opens again and compares the answers to all queries. */
static void reopen(struct demo *demo) {
    size_t queries = demo->queries.rows, results = queries * K;
    uint64_t *ids = (uint64_t *)malloc(2 * results * sizeof *ids), rows = 0;
    float *distances = (float *)malloc(2 * results * sizeof *distances);
    if (!ids || !distances) fail("reopen", "out of memory");
    must(demo, "wait", vdb_wait_indexed(demo->db, NULL, &demo->err));
    search(demo, 0, queries, ids, distances);
    double start = now_ms();
    must(demo, "close", vdb_close(demo->db, &demo->err));
    double closed = now_ms();
    open_database(demo);
    double opened = now_ms();
    search(demo, 0, queries, ids + results, distances + results);
    must(demo, "count", vdb_count(demo->db, NULL, &rows, &demo->err));
    int same = memcmp(ids, ids + results, results * sizeof *ids) == 0;
    printf("\nreopen    closed in %.0f ms, opened in %.1f ms with %s rows; %s answers to all %zu queries\n",
           closed - start, opened - closed, thousands((double)rows), same ? "the same" : "DIFFERENT", queries);
    if (!same || rows != demo->rows.rows) fail("reopen", "the database is not what it was");
    free(ids);
    free(distances);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Share of the exact answers found, and how fast: one query per call, one thread. */
static void measure(struct demo *demo) {
    enum { ROUNDS = 20 };
    size_t queries = demo->queries.rows, right = 0, taken = 0;
    uint64_t ids[K], exact_ids[K];
    float distances[K], exact[K];
    double *times = (double *)malloc(ROUNDS * queries * sizeof *times), total = 0;
    vdb_search_params_t params = {.struct_size = sizeof params, .query_scalar = VDB_SCALAR_F16};
    if (!times) fail("measure", "out of memory");
    for (size_t i = 0; i < queries; i++) {
        search(demo, i, 1, ids, distances);
        must(demo, "exact search",
             vdb_search_exact(demo->db, npy_row(&demo->queries, i), 1, demo->queries.cols, 0, K, &params, exact_ids,
                              exact, NULL, &demo->err));
        for (int j = 0; j < K; j++) right += distances[j] <= exact[K - 1] + 1e-6f; /* a tie is no miss */
    }
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < queries; i++) {
            double start = now_ms();
            search(demo, i, 1, ids, distances);
            total += times[taken++] = now_ms() - start;
        }
    qsort(times, taken, sizeof *times, by_value);
    printf("recall    %.1f %% of the %d nearest rows found (exact search = 100 %%)\n",
           100.0 * (double)right / (double)(queries * K), K);
    printf("speed     %s queries/s on one thread; half within %.0f us, 99 %% within %.0f us\n",
           thousands((double)taken / total * 1e3), times[taken / 2] * 1e3, times[taken * 99 / 100] * 1e3);
    free(times);
}

int main(int argc, char **argv) {
    struct demo demo = {.err = {.struct_size = sizeof(vdb_error_t)}};
    uint64_t rows = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: %s DATA DIRECTORY\n", argv[0]);
        return 2;
    }
    demo.directory = argv[2];
    load(&demo, argv[1]);
    open_database(&demo);
    must(&demo, "count", vdb_count(demo.db, NULL, &rows, &demo.err));
    if (rows != 0) fail(demo.directory, "holds rows already: name a directory that does not exist yet");
    printf("vdb %s: %s dictionary entries, %zu numbers each (float16), cosine distance\n\n", vdb_version_string(),
           thousands((double)demo.rows.rows), demo.rows.cols);
    ingest(&demo);
    ask_questions(&demo);
    change_rows(&demo);
    reopen(&demo);
    measure(&demo);
    must(&demo, "close", vdb_close(demo.db, &demo.err));
    npy_free(&demo.rows);
    npy_free(&demo.queries);
    free(demo.glosses.bytes);
    free(demo.glosses.lines);
    free(demo.questions.bytes);
    free(demo.questions.lines);
    return 0;
}
