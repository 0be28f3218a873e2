/* Made from include/vdb.h by bindings/gen/gen.py. */
#define VDB_VERSION_MAJOR ...
#define VDB_VERSION_MINOR ...
#define VDB_VERSION_PATCH ...
#define VDB_ID_NONE ...
#define VDB_ABI_VERSION ...
#define VDB_KEY_MAX ...
#define VDB_MAX_K ...
#define VDB_CHECK_REPORT_MAX ...
#define VDB_REPAIR_REPORT_MAX ...
#define VDB_EXPLAIN_MAX ...
#define VDB_LOG_LINE_MAX ...
typedef enum vdb_status {
  VDB_OK = 0,
  VDB_DONE = 1,
  VDB_PARTIAL = 2,
  VDB_ERR_INVALID_ARGUMENT = -1,
  VDB_ERR_NULL_ARGUMENT = -2,
  VDB_ERR_DIMENSION = -3,
  VDB_ERR_UNSUPPORTED = -4,
  VDB_ERR_UNKNOWN_OPTION = -5,
  VDB_ERR_OUT_OF_RANGE = -6,
  VDB_ERR_NOT_FINITE = -7,
  VDB_ERR_FILTER_SYNTAX = -8,
  VDB_ERR_BUFFER_TOO_SMALL = -9,
  VDB_ERR_NOT_FOUND = -20,
  VDB_ERR_ALREADY_EXISTS = -21,
  VDB_ERR_CLOSED = -22,
  VDB_ERR_READ_ONLY = -23,
  VDB_ERR_BUSY = -24,
  VDB_ERR_POISONED = -25,
  VDB_ERR_FORKED = -26,
  VDB_ERR_CANCELLED = -27,
  VDB_ERR_DEADLINE = -28,
  VDB_ERR_MISMATCH = -29,
  VDB_ERR_IO = -40,
  VDB_ERR_LOCKED = -41,
  VDB_ERR_NO_SPACE = -42,
  VDB_ERR_CORRUPT = -50,
  VDB_ERR_FORMAT_TOO_NEW = -51,
  VDB_ERR_FORMAT_TOO_OLD = -52,
  VDB_ERR_NO_MEMORY = -60,
  VDB_ERR_LIMIT = -61,
  VDB_ERR_PANIC = -90,
  VDB_ERR_INTERNAL = -91,
} vdb_status;
typedef enum vdb_metric {
  VDB_METRIC_L2SQ = 1,
  VDB_METRIC_IP = 2,
  VDB_METRIC_COSINE = 3,
  VDB_METRIC_L1 = 4,
  VDB_METRIC_HAMMING = 5,
  VDB_METRIC_JACCARD = 6,
} vdb_metric;
typedef enum vdb_scalar {
  VDB_SCALAR_F32 = 1,
  VDB_SCALAR_F16 = 2,
  VDB_SCALAR_BF16 = 3,
  VDB_SCALAR_I8 = 4,
  VDB_SCALAR_B1 = 5,
  VDB_SCALAR_U8 = 6,
} vdb_scalar;
typedef enum vdb_quant {
  VDB_QUANT_AUTO = 0,
  VDB_QUANT_NONE = 1,
  VDB_QUANT_SQ8 = 2,
  VDB_QUANT_SQ4 = 3,
  VDB_QUANT_PQ = 4,
  VDB_QUANT_RABITQ = 5,
} vdb_quant;
typedef enum vdb_originals {
  VDB_ORIGINALS_KEEP = 1,
  VDB_ORIGINALS_DROP = 2,
} vdb_originals;
typedef enum vdb_profile {
  VDB_PROFILE_DEFAULT = 0,
  VDB_PROFILE_FAST = 1,
  VDB_PROFILE_QUALITY = 2,
} vdb_profile;
typedef enum vdb_durability {
  VDB_DURABILITY_NONE = 1,
  VDB_DURABILITY_PROCESS = 2,
  VDB_DURABILITY_FULL = 3,
} vdb_durability;
typedef enum vdb_when_behind {
  VDB_WHEN_BEHIND_BLOCK = 1,
  VDB_WHEN_BEHIND_BUSY = 2,
} vdb_when_behind;
typedef enum vdb_option {
  VDB_OPT_DIM = 101,
  VDB_OPT_METRIC = 102,
  VDB_OPT_SCALAR = 103,
  VDB_OPT_QUANT = 104,
  VDB_OPT_PQ_SUBSPACES = 105,
  VDB_OPT_ORIGINALS = 106,
  VDB_OPT_COLUMNS = 107,
  VDB_OPT_M = 201,
  VDB_OPT_EF_CONSTRUCTION = 202,
  VDB_OPT_EF_SEARCH = 203,
  VDB_OPT_SEED = 204,
  VDB_OPT_GRAPH_MIN_ROWS = 205,
  VDB_OPT_CONSOLIDATE_RATIO = 206,
  VDB_OPT_TARGET_RECALL = 207,
  VDB_OPT_PROFILE = 208,
  VDB_OPT_CREATE = 301,
  VDB_OPT_READ_ONLY = 302,
  VDB_OPT_MMAP = 303,
  VDB_OPT_DURABILITY = 304,
  VDB_OPT_WAL_LIMIT_BYTES = 305,
  VDB_OPT_VERIFY_ON_OPEN = 307,
  VDB_OPT_COMPACT_RATIO = 308,
  VDB_OPT_MAX_META_BYTES = 309,
  VDB_OPT_MAX_UNINDEXED = 310,
  VDB_OPT_WHEN_BEHIND = 311,
  VDB_OPT_THREADS = 401,
  VDB_OPT_MAX_MEMORY = 405,
  VDB_OPT_RESIDENT = 406,
  VDB_OPT_CACHE_BYTES = 407,
  VDB_OPT_SLOW_QUERY_US = 408,
  VDB_OPT_LOG_BYTES = 409,
  VDB_OPT_LOG_LEVEL = 410,
  VDB_OPT_COLUMN_BYTES = 420,
} vdb_option;
typedef enum vdb_option_type {
  VDB_OPTION_TYPE_U64 = 1,
  VDB_OPTION_TYPE_F64 = 2,
  VDB_OPTION_TYPE_ENUM = 3,
  VDB_OPTION_TYPE_TEXT = 4,
} vdb_option_type;
typedef enum vdb_option_flag {
  VDB_OPTION_FLAG_SCHEMA = 1,
} vdb_option_flag;
typedef enum vdb_search_flag {
  VDB_SEARCH_EXACT = 1,
  VDB_SEARCH_NO_CACHE = 2,
} vdb_search_flag;
typedef enum vdb_check_level {
  VDB_CHECK_CHECKSUMS = 1,
  VDB_CHECK_STRUCTURE = 2,
  VDB_CHECK_RECALL = 3,
} vdb_check_level;
typedef enum vdb_call {
  VDB_CALL_SEARCH = 1,
  VDB_CALL_SEARCH_BATCH = 2,
  VDB_CALL_SEARCH_RANGE = 3,
  VDB_CALL_INSERT = 4,
  VDB_CALL_UPSERT = 5,
  VDB_CALL_DELETE = 6,
  VDB_CALL_GET = 7,
  VDB_CALL_COUNT = 8,
  VDB_CALL_SYNC = 9,
  VDB_CALL_CHECKPOINT = 10,
  VDB_CALL_REFRESH = 11,
  VDB_CALL_UPDATE_META = 12,
  VDB_CALL_RECOMMEND = 13,
  VDB_CALL_DIVERSE = 14,
  VDB_CALL_GROUPS = 15,
  VDB_CALL_PAGE = 16,
} vdb_call;
typedef enum vdb_log_level {
  VDB_LOG_ERROR = 1,
  VDB_LOG_WARN = 2,
  VDB_LOG_INFO = 3,
} vdb_log_level;
typedef struct vdb vdb;
typedef struct vdb_cursor vdb_cursor;
typedef struct vdb_filter vdb_filter;
typedef struct vdb_options vdb_options;
typedef struct vdb_snapshot vdb_snapshot;
typedef struct vdb_task vdb_task;
typedef int32_t vdb_status_t;
typedef struct vdb_error_t {
  uint32_t struct_size;
  vdb_status_t code;
  int32_t os_error;
  uint32_t reserved;
  uint64_t item;
  char message[232];
} vdb_error_t;
typedef uint32_t vdb_option_t;
typedef struct vdb_option_info_t {
  uint32_t struct_size;
  vdb_option_t id;
  uint32_t value_type;
  uint32_t flags;
  const char *name;
  const char *help;
  const char *values;
  double default_value;
  double min_value;
  double max_value;
} vdb_option_info_t;
typedef uint32_t vdb_scalar_t;
typedef struct vdb_search_params_t {
  uint32_t struct_size;
  uint32_t ef;
  vdb_scalar_t query_scalar;
  uint32_t flags;
  uint32_t rerank;
  float target_recall;
  uint64_t deadline_us;
  vdb_task *task;
  const vdb_filter *filter;
  const vdb_snapshot *snapshot;
  uint64_t max_memory;
} vdb_search_params_t;
typedef struct vdb_stats_t {
  uint32_t struct_size;
  uint32_t dim;
  uint64_t live;
  uint64_t deleted;
  uint64_t unindexed;
  uint64_t graph_nodes;
  uint64_t graph_unreachable;
  uint64_t bytes_vectors;
  uint64_t bytes_codes;
  uint64_t bytes_graph;
  uint64_t bytes_ids;
  uint64_t bytes_wal;
  uint64_t bytes_mapped;
  uint64_t searches;
  uint64_t distance_computations;
  uint64_t lsn;
  uint64_t checkpoint_lsn;
  uint64_t checkpoints;
  uint64_t compactions;
  uint64_t chunks;
  uint64_t bytes_memory;
  uint64_t bytes_memory_max;
  uint64_t originals;
  uint64_t decoded;
  uint64_t bytes_records;
  uint64_t bytes_columns;
  uint64_t snapshots;
  uint64_t checkpoint_unix_ms;
  uint64_t slow_queries;
  uint64_t log_lines_dropped;
  uint64_t cache_hits;
  uint64_t cache_misses;
  uint64_t bytes_cache;
} vdb_stats_t;
typedef uint32_t vdb_call_t;
typedef struct vdb_latency_t {
  uint32_t struct_size;
  vdb_call_t call;
  uint64_t count;
  uint64_t mean_ns;
  uint64_t p50_ns;
  uint64_t p95_ns;
  uint64_t p99_ns;
  uint64_t max_ns;
  uint64_t sum_ns;
} vdb_latency_t;
const char *vdb_version_string(void);
uint32_t vdb_version_number(void);
uint32_t vdb_abi_version(void);
const char *vdb_status_name(vdb_status_t status);
vdb_status_t vdb_build_info(char *buf, size_t cap, size_t *len, vdb_error_t *error);
vdb_status_t vdb_options_new(vdb_options **out_options, vdb_error_t *error);
void vdb_options_free(vdb_options *options);
vdb_status_t vdb_options_set_u64(vdb_options *options, vdb_option_t option, uint64_t value, vdb_error_t *error);
vdb_status_t vdb_options_set_f64(vdb_options *options, vdb_option_t option, double value, vdb_error_t *error);
vdb_status_t vdb_options_set_text(vdb_options *options, const char *name, const char *value, vdb_error_t *error);
vdb_status_t vdb_option_at(size_t index, vdb_option_info_t *info, vdb_error_t *error);
vdb_status_t vdb_open(const char *path, const vdb_options *options, vdb **out_db, vdb_error_t *error);
vdb_status_t vdb_close(vdb *db, vdb_error_t *error);
vdb_status_t vdb_option_get_u64(const vdb *db, vdb_option_t option, uint64_t *value, vdb_error_t *error);
vdb_status_t vdb_option_get_f64(const vdb *db, vdb_option_t option, double *value, vdb_error_t *error);
vdb_status_t vdb_option_get_text(const vdb *db, vdb_option_t option, char *text, size_t cap, size_t *len, vdb_error_t *error);
vdb_status_t vdb_insert_batch(vdb *db, const uint64_t *ids, const void *vectors, size_t count, size_t dim, size_t stride, vdb_scalar_t scalar, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_upsert_batch(vdb *db, const uint64_t *ids, const void *vectors, size_t count, size_t dim, size_t stride, vdb_scalar_t scalar, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_delete_batch(vdb *db, const uint64_t *ids, size_t count, uint64_t *deleted, vdb_error_t *error);
vdb_status_t vdb_get_batch(const vdb *db, const uint64_t *ids, size_t count, size_t dim, vdb_scalar_t scalar, void *vectors, size_t stride, uint8_t *found, vdb_error_t *error);
vdb_status_t vdb_count(const vdb *db, const vdb_filter *filter, uint64_t *count, vdb_error_t *error);
vdb_status_t vdb_filter_ids(const uint64_t *ids, size_t count, int allow, vdb_filter **out_filter, vdb_error_t *error);
vdb_status_t vdb_filter_parse(const char *text, size_t len, vdb_filter **out_filter, vdb_error_t *error);
vdb_status_t vdb_filter_bind(const vdb_filter *filter, const char *values, size_t len, vdb_filter **out_filter, vdb_error_t *error);
void vdb_filter_free(vdb_filter *filter);
vdb_status_t vdb_insert_records(vdb *db, uint64_t *ids, const char *keys, const uint64_t *key_offsets, const void *vectors, size_t count, size_t dim, size_t stride, vdb_scalar_t scalar, const char *meta, const uint64_t *meta_offsets, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_upsert_records(vdb *db, uint64_t *ids, const char *keys, const uint64_t *key_offsets, const void *vectors, size_t count, size_t dim, size_t stride, vdb_scalar_t scalar, const char *meta, const uint64_t *meta_offsets, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_update_meta_batch(vdb *db, const uint64_t *ids, size_t count, const char *meta, const uint64_t *meta_offsets, uint64_t *updated, vdb_error_t *error);
vdb_status_t vdb_update_meta_where(vdb *db, const vdb_filter *filter, const char *meta, size_t len, uint64_t *updated, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_delete_where(vdb *db, const vdb_filter *filter, uint64_t *deleted, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_delete_keys(vdb *db, const char *keys, const uint64_t *key_offsets, size_t count, uint64_t *deleted, vdb_error_t *error);
vdb_status_t vdb_ids_of_keys(const vdb *db, const char *keys, const uint64_t *key_offsets, size_t count, uint64_t *ids, vdb_error_t *error);
vdb_status_t vdb_keys_of_ids(const vdb *db, const uint64_t *ids, size_t count, char *keys, size_t cap, uint64_t *key_offsets, size_t *len, vdb_error_t *error);
vdb_status_t vdb_get_meta(const vdb *db, const uint64_t *ids, size_t count, char *meta, size_t cap, uint64_t *meta_offsets, size_t *len, vdb_error_t *error);
vdb_status_t vdb_snapshot_new(const vdb *db, vdb_snapshot **out_snapshot, vdb_error_t *error);
void vdb_snapshot_free(vdb_snapshot *snapshot);
vdb_status_t vdb_count_at(const vdb *db, const vdb_snapshot *snapshot, const vdb_filter *filter, uint64_t *count, vdb_error_t *error);
vdb_status_t vdb_get_batch_at(const vdb *db, const vdb_snapshot *snapshot, const uint64_t *ids, size_t count, size_t dim, vdb_scalar_t scalar, void *vectors, size_t stride, uint8_t *found, vdb_error_t *error);
vdb_status_t vdb_ids_of_keys_at(const vdb *db, const vdb_snapshot *snapshot, const char *keys, const uint64_t *key_offsets, size_t count, uint64_t *ids, vdb_error_t *error);
vdb_status_t vdb_keys_of_ids_at(const vdb *db, const vdb_snapshot *snapshot, const uint64_t *ids, size_t count, char *keys, size_t cap, uint64_t *key_offsets, size_t *len, vdb_error_t *error);
vdb_status_t vdb_get_meta_at(const vdb *db, const vdb_snapshot *snapshot, const uint64_t *ids, size_t count, char *meta, size_t cap, uint64_t *meta_offsets, size_t *len, vdb_error_t *error);
vdb_status_t vdb_search(const vdb *db, const void *queries, size_t query_count, size_t dim, size_t stride, size_t k, const vdb_search_params_t *params, uint64_t *ids, float *distances, uint32_t *counts, vdb_error_t *error);
vdb_status_t vdb_search_exact(const vdb *db, const void *queries, size_t query_count, size_t dim, size_t stride, size_t k, const vdb_search_params_t *params, uint64_t *ids, float *distances, uint32_t *counts, vdb_error_t *error);
vdb_status_t vdb_search_range(const vdb *db, const void *query, size_t dim, float max_distance, size_t cap, const vdb_search_params_t *params, uint64_t *ids, float *distances, size_t *count, vdb_error_t *error);
vdb_status_t vdb_measure_recall(const vdb *db, const void *queries, size_t query_count, size_t dim, size_t stride, size_t k, const vdb_search_params_t *params, double *recall, double *low, double *high, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_search_ids(const vdb *db, const uint64_t *row_ids, size_t count, size_t k, const vdb_search_params_t *params, uint64_t *ids, float *distances, uint32_t *counts, vdb_error_t *error);
vdb_status_t vdb_recommend(const vdb *db, const uint64_t *positive, size_t positive_count, const uint64_t *negative, size_t negative_count, size_t k, const vdb_search_params_t *params, uint64_t *ids, float *distances, uint32_t *count, vdb_error_t *error);
vdb_status_t vdb_search_diverse(const vdb *db, const void *query, size_t dim, size_t k, size_t candidates, float lambda, const vdb_search_params_t *params, uint64_t *ids, float *distances, uint32_t *count, vdb_error_t *error);
vdb_status_t vdb_search_groups(const vdb *db, const void *query, size_t dim, const char *path, size_t path_len, size_t groups, size_t per_group, const vdb_search_params_t *params, uint64_t *ids, float *distances, uint32_t *counts, uint32_t *group_count, vdb_error_t *error);
vdb_status_t vdb_search_many(const vdb *const *dbs, size_t db_count, const void *queries, size_t query_count, size_t dim, size_t stride, size_t k, const vdb_search_params_t *params, uint64_t *ids, float *distances, uint32_t *sources, uint32_t *counts, vdb_error_t *error);
vdb_status_t vdb_cursor_search(const vdb *db, const void *query, size_t dim, const vdb_search_params_t *params, vdb_cursor **out_cursor, vdb_error_t *error);
vdb_status_t vdb_cursor_scan(const vdb *db, const vdb_filter *filter, vdb_cursor **out_cursor, vdb_error_t *error);
vdb_status_t vdb_cursor_scan_at(const vdb *db, const vdb_snapshot *snapshot, const vdb_filter *filter, vdb_cursor **out_cursor, vdb_error_t *error);
vdb_status_t vdb_cursor_next(vdb_cursor *cursor, size_t cap, uint64_t *ids, float *distances, size_t *count, vdb_error_t *error);
void vdb_cursor_free(vdb_cursor *cursor);
vdb_status_t vdb_sync(vdb *db, vdb_error_t *error);
vdb_status_t vdb_checkpoint(vdb *db, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_wait_indexed(vdb *db, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_refresh(vdb *db, vdb_error_t *error);
vdb_status_t vdb_check(const vdb *db, uint32_t level, char *report, size_t cap, size_t *len, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_repair(const char *from, const char *to, const vdb_options *options, char *report, size_t cap, size_t *len, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_backup(vdb *db, const char *path, const char *previous, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_export(const vdb *db, const char *path, const char *format, const vdb_filter *filter, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_import(vdb *db, const char *path, const char *format, vdb_task *task, vdb_error_t *error);
vdb_status_t vdb_explain(const vdb *db, const void *query, size_t dim, size_t k, const vdb_search_params_t *params, char *json, size_t cap, size_t *len, vdb_error_t *error);
vdb_status_t vdb_columns_get(const vdb *db, char *json, size_t cap, size_t *len, vdb_error_t *error);
vdb_status_t vdb_stats_get(const vdb *db, vdb_stats_t *stats, vdb_error_t *error);
vdb_status_t vdb_latency_get(const vdb *db, vdb_call_t call, vdb_latency_t *latency, vdb_error_t *error);
vdb_status_t vdb_log_read(vdb *db, char *buf, size_t cap, size_t *len, vdb_error_t *error);
vdb_status_t vdb_cache_clear(vdb *db, vdb_error_t *error);
vdb_status_t vdb_task_new(vdb_task **out_task, vdb_error_t *error);
void vdb_task_free(vdb_task *task);
vdb_status_t vdb_task_cancel(vdb_task *task);
vdb_status_t vdb_task_progress(const vdb_task *task, uint64_t *done, uint64_t *total);
vdb_status_t vdb_task_on_progress(vdb_task *task, int (*keep_going)(void *user, uint64_t done, uint64_t total), void *user, vdb_error_t *error);
