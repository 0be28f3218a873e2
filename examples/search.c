/* Finds dictionary entries by meaning: search DIRECTORY DATA PHRASE
 *
 * The first run fills the database in DIRECTORY with the 5,000 entries of DATA (data/wordnet), whose texts are the
 * keys of its rows. Each run takes the first entry with PHRASE in it and shows those that mean something like it. */
#include "npy.h"
#include <vdb.h>

enum { ROWS = 5000, BYTES = ROWS * VDB_KEY_MAX, NEAR = 5 };
static char texts[BYTES], line[VDB_KEY_MAX + 1];
static uint64_t ids[ROWS], ends[ROWS + 1];
static vdb_error_t err = VDB_ERROR_INIT;

static void must(int ok, const char *why) {
    if (!ok) fprintf(stderr, "search: %s\n", why), exit(1);
}

static const char *text(uint64_t row) {
    snprintf(line, sizeof line, "%.*s", (int)(ends[row + 1] - ends[row]), texts + ends[row]);
    return line;
}

static void fill(vdb *db, const char *data) {
    npy_array rows;
    snprintf(line, sizeof line, "%s/base.npy", data);
    must(npy_load(line, &rows) && rows.rows == ROWS, "DATA has no base.npy of 5,000 rows");
    snprintf(line, sizeof line, "%s/glosses.txt", data);
    FILE *file = fopen(line, "r");
    for (int i = 0; i < ROWS; i++) {
        must(file && fgets(line, sizeof line, file), "DATA has no glosses.txt of 5,000 lines");
        ends[i + 1] = ends[i] + strcspn(line, "\n");
        memcpy(texts + ends[i], line, ends[i + 1] - ends[i]);
    }
    fclose(file);
    must(vdb_insert_records(db, ids, texts, ends, rows.data, ROWS, rows.cols, 0, VDB_SCALAR_F16, NULL, NULL, NULL, &err) >= 0,
         err.message);
    npy_free(&rows);
}

int main(int argc, char **argv) {
    vdb_options *options = NULL;
    vdb *db = NULL;
    uint64_t rows = 0, row = 0, found[NEAR];
    float distances[NEAR];
    size_t bytes;
    must(argc == 4, "usage: search DIRECTORY DATA PHRASE");
    must(vdb_options_new(&options, &err) >= 0 && vdb_options_set_u64(options, VDB_OPT_DIM, 384, &err) >= 0 &&
         vdb_options_set_text(options, "schema.metric", "cosine", &err) >= 0 && vdb_open(argv[1], options, &db, &err) >= 0 &&
         vdb_count(db, NULL, &rows, &err) >= 0, err.message);
    vdb_options_free(options);
    for (uint64_t i = 0; i < ROWS; i++) ids[i] = i;
    if (rows == 0) fill(db, argv[2]);
    must(vdb_keys_of_ids(db, ids, ROWS, texts, BYTES, ends, &bytes, &err) >= 0, err.message);
    while (row < ROWS && !strstr(text(row), argv[3])) row++;
    must(row < ROWS, "no entry has the phrase in it");
    printf("%s\n", text(row));
    must(vdb_search_ids(db, &row, 1, NEAR, NULL, found, distances, NULL, &err) >= 0, err.message);
    for (int i = 0; i < NEAR; i++) printf("  %.3f  %s\n", (double)distances[i], text(found[i]));
    must(vdb_close(db, &err) >= 0, err.message);
}
