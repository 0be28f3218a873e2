#include <stdio.h>
#include <string.h>
#include <vdb.h>

static int failed(const vdb_error_t *err) {
    fprintf(stderr, "%s\n", err->message);
    return 1;
}

int main(void) {
    vdb_error_t err = VDB_ERROR_INIT;
    vdb_options *options = NULL;
    vdb *db = NULL;
    vdb_options_new(&options, &err);
    vdb_options_set_u64(options, VDB_OPT_DIM, 3, &err);
    if (vdb_open(NULL, options, &db, &err) < 0) return failed(&err); /* NULL: in memory */
    vdb_options_free(options);

    /* Texts of several rows lie back to back; row i has the bytes from offset i up to offset i + 1. */
    const char *keys = "kind-of-blue" "what's-going-on" "blue-train";
    const uint64_t key_at[4] = {0, 12, 27, 37};
    const char *meta = "{\"genre\": \"jazz\", \"year\": 1959}"
                       "{\"genre\": \"soul\", \"year\": 1971}"
                       "{\"genre\": \"jazz\", \"year\": 1958}";
    const uint64_t meta_at[4] = {0, 31, 62, 93};
    const float vectors[3][3] = {{1, 0, 0}, {0.9f, 0.1f, 0}, {0, 1, 0}};
    if (vdb_upsert_records(db, NULL, keys, key_at, vectors, 3, 3, 0, VDB_SCALAR_F32, meta, meta_at, NULL, &err) < 0)
        return failed(&err);

    const char *text = "genre = 'jazz' and year < 1959";
    vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
    vdb_filter *filter = NULL;
    if (vdb_filter_parse(text, strlen(text), &filter, &err) < 0) return failed(&err);
    params.filter = filter;

    const float query[3] = {1, 0, 0};
    uint64_t id, at[2];
    float distance;
    char key[VDB_KEY_MAX];
    size_t len;
    if (vdb_search(db, query, 1, 3, 0, 1, &params, &id, &distance, NULL, &err) < 0) return failed(&err);
    if (vdb_keys_of_ids(db, &id, 1, key, sizeof key, at, &len, &err) < 0) return failed(&err);
    printf("%.*s, distance %.1f\n", (int)len, key, distance); /* blue-train, distance 2.0 */
    vdb_filter_free(filter);
    return vdb_close(db, &err) < 0 ? failed(&err) : 0;
}
