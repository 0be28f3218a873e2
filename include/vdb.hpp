/* vdb.hpp: vdb.h for C++17 and later; headers only.
 *
 *   vdbpp::Result<vdbpp::Database> db = vdbpp::Database::open("words.vdb", vdbpp::Options().dim(384));
 *   if (!db) { std::puts(db.error().message()); return 1; }
 *   vdbpp::Result<vdbpp::SearchResult> found = db->search(query, 10);
 *
 * The namespace is vdbpp because `vdb` is the type of a database in vdb.h.
 *
 * What it adds to vdb.h: handles that give themselves back, results that cannot be overlooked, enums
 * with types, vectors of the standard library. What it leaves as it is: every rule at the top of vdb.h
 * (threads, forks, limits), and the texts of the functions there, which are not repeated here.
 *
 * Errors. A function returns Outcome<T>, which is Result<T>: a value or an Error. With VDB_EXCEPTIONS
 * defined before the header is included it is T itself, and an error is thrown as vdbpp::Exception. Files
 * of both kinds can be linked into one program.
 *
 * Memory. Vectors go in as they lie (Rows is a view, nothing is copied; a temporary moves into it). Results
 * come out as vectors of the standard library, or with the _into functions into the caller's own memory. A
 * call that gets no memory returns Status::ErrNoMemory; what is made before it, a list in braces, Texts, a
 * std::string, throws std::bad_alloc as it does anywhere. Whatever a handle wraps is given back by its
 * destructor. A Database should be closed by hand where a failure of the last checkpoint matters. capi()
 * leads to the handle for functions of vdb.h.
 */

#ifndef VDB_HPP
#define VDB_HPP

#include "vdb/parts.hpp"

namespace vdbpp {
inline namespace VDB_HPP_NAMESPACE {

namespace detail {
inline void close_database(vdb *db) { vdb_close(db, nullptr); }
} // namespace detail

// ---- Databases -----------------------------------------------------------------------------------

/// An open database. Every function may be called from any thread at any time.
class Database {
public:
    /// Opens the database in a directory. std::filesystem::path is fine too.
    static Outcome<Database> open(const std::string &path, const Options &options = Options()) {
        return open_at(&path, options);
    }
    static Outcome<Database> open(std::nullptr_t, const Options &options = Options()) = delete; // in_memory()
    /// A new database in memory.
    static Outcome<Database> in_memory(const Options &options) { return open_at(nullptr, options); }

    /// Closes, makes everything durable and writes a checkpoint. The handle is gone whatever is returned.
    Outcome<void> close() {
        detail::Call call;
        if (call.made(vdb_close(capi(), call.error())) || call.status() != VDB_ERR_BUSY) handle_.release();
        return call.finish();
    }

    vdb *capi() const noexcept { return handle_.get(); }
    std::size_t dim() const noexcept { return dim_; }
    Scalar scalar() const noexcept { return scalar_; }

    Outcome<std::uint64_t> option_u64(Option option) const {
        detail::Call call;
        std::uint64_t value = 0;
        call.made(vdb_option_get_u64(capi(), static_cast<vdb_option_t>(option), &value, call.error()));
        return call.finish(value);
    }
    Outcome<double> option_f64(Option option) const {
        detail::Call call;
        double value = 0;
        call.made(vdb_option_get_f64(capi(), static_cast<vdb_option_t>(option), &value, call.error()));
        return call.finish(value);
    }
    /// Any option as Options::set takes it by name: a text, a number, or the name of a value.
    Outcome<std::string> option_text(Option option) const {
        return detail::whole_text([&](char *text, std::size_t cap, std::size_t *length, vdb_error_t *error) {
            return vdb_option_get_text(capi(), static_cast<vdb_option_t>(option), text, cap, length, error);
        });
    }

    // ---- Writes

    Outcome<void> insert(Span<const std::uint64_t> ids, const Rows &rows, Task *task = nullptr) {
        return write(vdb_insert_batch, ids, rows, task);
    }
    Outcome<void> upsert(Span<const std::uint64_t> ids, const Rows &rows, Task *task = nullptr) {
        return write(vdb_upsert_batch, ids, rows, task);
    }
    /// Inserts rows with keys and metadata and returns their ids. VDB_ID_NONE asks for an id; without any
    /// `ids` each row gets one.
    Outcome<std::vector<std::uint64_t>> insert(Span<const std::uint64_t> ids, const Rows &rows, const Records &records,
                                               Task *task = nullptr) {
        return write_records(vdb_insert_records, ids, rows, records, task);
    }
    /// The same, but rows that are there are replaced; VDB_ID_NONE asks for the row with the key.
    Outcome<std::vector<std::uint64_t>> upsert(Span<const std::uint64_t> ids, const Rows &rows, const Records &records,
                                               Task *task = nullptr) {
        return write_records(vdb_upsert_records, ids, rows, records, task);
    }
    /// Gives rows other metadata; how many there were.
    Outcome<std::uint64_t> update_meta(Span<const std::uint64_t> ids, const Texts &meta) {
        detail::Call call;
        std::uint64_t updated = 0;
        if (call.same(meta.count(), ids.size(), "there is not one metadata for each id"))
            call.made(vdb_update_meta_batch(capi(), ids.data(), ids.size(), meta.data(), meta.offsets(), &updated, call.error()));
        return call.finish(updated);
    }
    /// Gives the rows that a filter lets pass the same metadata; how many there were.
    Outcome<std::uint64_t> update_meta_where(const Filter &filter, std::string_view meta, Task *task = nullptr) {
        detail::Call call;
        std::uint64_t updated = 0;
        call.made(vdb_update_meta_where(capi(), filter.capi(), meta.data(), meta.size(), &updated, capi_of(task), call.error()));
        return call.finish(updated);
    }
    Outcome<std::uint64_t> erase_keys(const Texts &keys) {
        detail::Call call;
        std::uint64_t deleted = 0;
        call.made(vdb_delete_keys(capi(), keys.data(), keys.offsets(), keys.count(), &deleted, call.error()));
        return call.finish(deleted);
    }
    /// Deletes the rows that a filter lets pass; how many there were.
    Outcome<std::uint64_t> erase_where(const Filter &filter, Task *task = nullptr) {
        detail::Call call;
        std::uint64_t deleted = 0;
        call.made(vdb_delete_where(capi(), filter.capi(), &deleted, capi_of(task), call.error()));
        return call.finish(deleted);
    }
    /// Deletes rows by id; how many there were.
    Outcome<std::uint64_t> erase(Span<const std::uint64_t> ids) {
        detail::Call call;
        std::uint64_t deleted = 0;
        call.made(vdb_delete_batch(capi(), ids.data(), ids.size(), &deleted, call.error()));
        return call.finish(deleted);
    }

    // ---- Point reads

    /// The vectors of ids as numbers of type T: float, std::int8_t or std::uint8_t.
    template <class T = float>
    Outcome<Fetched<T>> get(Span<const std::uint64_t> ids, const Snapshot *snapshot = nullptr) const {
        Fetched<T> fetched;
        detail::Call call;
        if (call.room(fetched.values, ids.size(), dim_) && call.room(fetched.found, ids.size()))
            get_rows(call, ids, detail::ScalarOf<T>::value, fetched.values.data(), fetched.found, 0, snapshot);
        return call.finish(std::move(fetched));
    }
    /// The vectors of ids as bytes of any type, into rows of the caller `stride` bytes apart.
    Outcome<void> get_into(Span<const std::uint64_t> ids, Scalar scalar, void *vectors, Span<std::uint8_t> found,
                           std::size_t stride = 0, const Snapshot *snapshot = nullptr) const {
        detail::Call call;
        if (call.same(found.size(), ids.size(), "`found` has not one place for each id"))
            get_rows(call, ids, scalar, vectors, found, stride, snapshot);
        return call.finish();
    }
    /// The metadata of ids, byte by byte what was stored; empty for none.
    Outcome<std::vector<std::string>> get_meta(Span<const std::uint64_t> ids, const Snapshot *snapshot = nullptr) const {
        return texts(vdb_get_meta_at, ids, snapshot);
    }
    /// The keys of ids; empty for none.
    Outcome<std::vector<std::string>> keys_of_ids(Span<const std::uint64_t> ids, const Snapshot *snapshot = nullptr) const {
        return texts(vdb_keys_of_ids_at, ids, snapshot);
    }
    /// The ids of the rows with these keys; VDB_ID_NONE where there is none.
    Outcome<std::vector<std::uint64_t>> ids_of_keys(const Texts &keys, const Snapshot *snapshot = nullptr) const {
        detail::Call call;
        std::vector<std::uint64_t> ids;
        if (call.room(ids, keys.count()))
            call.made(vdb_ids_of_keys_at(capi(), state(snapshot), keys.data(), keys.offsets(), keys.count(), ids.data(), call.error()));
        return call.finish(std::move(ids));
    }
    Outcome<std::uint64_t> count(const Filter *filter = nullptr, const Snapshot *snapshot = nullptr) const {
        detail::Call call;
        std::uint64_t rows = 0;
        call.made(vdb_count_at(capi(), state(snapshot), filter ? filter->capi() : nullptr, &rows, call.error()));
        return call.finish(rows);
    }

    // ---- Search

    Outcome<SearchResult> search(const Rows &queries, std::size_t k, const SearchParams &params = {}) const {
        return search_with(vdb_search, queries, k, params);
    }
    Outcome<SearchResult> search_exact(const Rows &queries, std::size_t k, const SearchParams &params = {}) const {
        return search_with(vdb_search_exact, queries, k, params);
    }
    /// Searches into memory of the caller: k places for each query in `ids` and `distances`, one in
    /// `counts`, which may be empty. False where a deadline or a task ended the search.
    Outcome<bool> search_into(const Rows &queries, std::size_t k, Span<std::uint64_t> ids, Span<float> distances,
                              Span<std::uint32_t> counts = {}, const SearchParams &params = {}) const {
        detail::Call call;
        const bool fits = k == 0 || (ids.size() / k >= queries.count() && distances.size() / k >= queries.count());
        if (call.take(queries) && (fits || call.refuse(Status::ErrInvalidArgument, "`ids` or `distances` has fewer than count * k places")) &&
            (counts.empty() || call.same(counts.size(), queries.count(), "`counts` has not one place for each query")))
            search_rows(call, vdb_search, queries, k, params, ids.data(), distances.data(), counts.data());
        return call.finish(!call.partial());
    }
    Outcome<RangeResult> search_range(const Rows &query, float max_distance, std::size_t cap,
                                      const SearchParams &params = {}) const {
        detail::Call call;
        RangeResult found;
        if (call.take(query) && call.same(query.count(), 1, "search_range takes one query") && call.places("cap", cap) &&
            call.room(found.ids, cap) && call.room(found.distances, cap)) {
            vdb_search_params_t asked = parameters(params, query);
            std::size_t count = 0;
            call.made(vdb_search_range(capi(), query.data(), query.dim(), max_distance, cap, &asked, found.ids.data(),
                                       found.distances.data(), &count, call.error()));
            found.more = count > cap;
            found.partial = call.partial();
            found.ids.resize(std::min(count, cap));
            found.distances.resize(std::min(count, cap));
        }
        return call.finish(std::move(found));
    }
    /// The nearest rows of each of these rows, which is left out itself.
    Outcome<SearchResult> search_ids(Span<const std::uint64_t> row_ids, std::size_t k, const SearchParams &params = {}) const {
        detail::Call call;
        SearchResult found;
        if (sized(call, found, row_ids.size(), k)) {
            const vdb_search_params_t asked = detail::to_c(params);
            call.made(vdb_search_ids(capi(), row_ids.data(), row_ids.size(), k, &asked, found.ids.data(),
                                     found.distances.data(), found.counts.data(), call.error()));
        }
        found.partial = call.partial();
        return call.finish(std::move(found));
    }
    /// The rows most like the rows `positive` and unlike the rows `negative`; none of these is a result.
    Outcome<Chosen> recommend(Span<const std::uint64_t> positive, Span<const std::uint64_t> negative, std::size_t k,
                              const SearchParams &params = {}) const {
        const vdb_search_params_t asked = detail::to_c(params);
        return chosen(k, [&](std::uint64_t *ids, float *distances, std::uint32_t *count, vdb_error_t *error) {
            return vdb_recommend(capi(), positive.data(), positive.size(), negative.data(), negative.size(), k, &asked, ids,
                                 distances, count, error);
        });
    }
    /// Rows near one query and not too near to each other, of the nearest `candidates` (0: 4k); `lambda` 1 gives
    /// the nearest, 0 those farthest apart. In the order in which they were chosen.
    Outcome<Chosen> search_diverse(const Rows &query, std::size_t k, std::size_t candidates, float lambda,
                                   const SearchParams &params = {}) const {
        detail::Call call;
        if (!call.take(query) || !call.same(query.count(), 1, "search_diverse takes one query")) return call.finish(Chosen());
        const vdb_search_params_t asked = parameters(params, query);
        return chosen(k, [&](std::uint64_t *ids, float *distances, std::uint32_t *count, vdb_error_t *error) {
            return vdb_search_diverse(capi(), query.data(), query.dim(), k, candidates, lambda, &asked, ids, distances,
                                      count, error);
        });
    }
    /// The best groups of rows, and of each the `per_group` nearest: rows with the same string, number or boolean at
    /// `path` of their metadata, "author.name", are one group. `counts` has a place for each group found.
    Outcome<Groups> search_groups(const Rows &query, std::string_view path, std::size_t groups, std::size_t per_group,
                                  const SearchParams &params = {}) const {
        detail::Call call;
        Groups found;
        if (call.take(query) && call.same(query.count(), 1, "search_groups takes one query") &&
            call.places("groups", groups) && call.places("per_group", per_group) && call.places("groups * per_group", groups * per_group) &&
            sized(call, found, groups, per_group)) {
            const vdb_search_params_t asked = parameters(params, query);
            std::uint32_t count = 0;
            call.made(vdb_search_groups(capi(), query.data(), query.dim(), path.data(), path.size(), groups, per_group, &asked,
                                        found.ids.data(), found.distances.data(), found.counts.data(), &count, call.error()));
            found.partial = call.partial();
            found.ids.resize(count * per_group);
            found.distances.resize(count * per_group);
            found.counts.resize(count);
        }
        return call.finish(std::move(found));
    }
    /// A cursor through all rows, nearest to one query first.
    Outcome<Cursor> cursor_search(const Rows &query, const SearchParams &params = {}) const {
        detail::Call call;
        vdb_cursor *made = nullptr;
        const vdb_search_params_t asked = parameters(params, query);
        if (call.take(query) && call.same(query.count(), 1, "cursor_search takes one query"))
            call.made(vdb_cursor_search(capi(), query.data(), query.dim(), &asked, &made, call.error()));
        return call.finish(Cursor(made));
    }
    /// A cursor through all rows, or those that a filter lets pass, in the order of their ids.
    Outcome<Cursor> cursor_scan(const Filter *filter = nullptr, const Snapshot *snapshot = nullptr) const {
        detail::Call call;
        vdb_cursor *made = nullptr;
        call.made(vdb_cursor_scan_at(capi(), state(snapshot), filter ? filter->capi() : nullptr, &made, call.error()));
        return call.finish(Cursor(made));
    }
    /// Measures the recall of a search with these queries.
    Outcome<Recall> measure_recall(const Rows &queries, std::size_t k, const SearchParams &params = {},
                                   Task *task = nullptr) const {
        return recall(queries, queries.count(), k, params, task);
    }
    /// The same with `count` stored rows as queries.
    Outcome<Recall> measure_recall(std::size_t count, std::size_t k, const SearchParams &params = {},
                                   Task *task = nullptr) const {
        return recall(Rows::raw(nullptr, 0, dim_, scalar_), count, k, params, task);
    }

    // ---- Maintenance

    Outcome<void> sync() { return plain([this](vdb_error_t *error) { return vdb_sync(capi(), error); }); }
    Outcome<void> checkpoint(Task *task = nullptr) {
        return plain([&](vdb_error_t *error) { return vdb_checkpoint(capi(), capi_of(task), error); });
    }
    Outcome<void> wait_indexed(Task *task = nullptr) {
        return plain([&](vdb_error_t *error) { return vdb_wait_indexed(capi(), capi_of(task), error); });
    }
    Outcome<void> refresh() { return plain([this](vdb_error_t *error) { return vdb_refresh(capi(), error); }); }

    /// Checks whether the database is whole: the report as JSON. Damage is Status::ErrCorrupt, and the
    /// report then in Error::report().
    Outcome<std::string> check(CheckLevel level, Task *task = nullptr) const {
        detail::Call call;
        std::string report;
        std::size_t length = 0;
        const bool sound = call.room(report, VDB_CHECK_REPORT_MAX) &&
                           call.made(vdb_check(capi(), static_cast<std::uint32_t>(level), report.data(), report.size(),
                                               &length, capi_of(task), call.error()));
        report.resize(std::min(length, report.size()));
        if (!sound) return call.fail<std::string>(std::move(report));
        return call.finish(std::move(report));
    }

    // ---- Snapshots, backups, files

    /// The state of this moment. It copies nothing.
    Outcome<Snapshot> snapshot() const {
        detail::Call call;
        vdb_snapshot *made = nullptr;
        call.made(vdb_snapshot_new(capi(), &made, call.error()));
        return call.finish(Snapshot(made));
    }
    /// Makes a backup in a new directory, which opens like any database; with `previous` it shares what that one has.
    Outcome<void> backup(const std::string &path, const std::string &previous = {}, Task *task = nullptr) {
        return plain([&](vdb_error_t *error) { return vdb_backup(capi(), path.c_str(), text_or_null(previous), capi_of(task), error); },
                     path, previous);
    }
    template <class N, class = detail::IsNull<N>> Outcome<void> backup(const std::string &, N, Task * = nullptr) = delete; // {}
    /// Writes rows as a new file, "npy", "jsonl", "fvecs" or another format; without one by the ending of its name.
    Outcome<void> export_file(const std::string &path, const std::string &format = {}, const Filter *filter = nullptr,
                              Task *task = nullptr) const {
        const vdb_filter *only = filter ? filter->capi() : nullptr;
        return plain([&](vdb_error_t *error) { return vdb_export(capi(), path.c_str(), text_or_null(format), only, capi_of(task), error); },
                     path, format);
    }
    template <class N, class = detail::IsNull<N>>
    Outcome<void> export_file(const std::string &, N, const Filter * = nullptr, Task * = nullptr) const = delete; // {}
    /// Reads a file that export_file or another program wrote, and writes its rows.
    Outcome<void> import_file(const std::string &path, const std::string &format = {}, Task *task = nullptr) {
        return plain([&](vdb_error_t *error) { return vdb_import(capi(), path.c_str(), text_or_null(format), capi_of(task), error); },
                     path, format);
    }

    template <class N, class = detail::IsNull<N>> Outcome<void> import_file(const std::string &, N, Task * = nullptr) = delete; // {}

    // ---- Seeing inside

    /// Searches as search() would for one query, and tells as JSON how that went and why.
    Outcome<std::string> explain(const Rows &query, std::size_t k, const SearchParams &params = {}) const {
        detail::Call call;
        std::string text;
        std::size_t length = 0;
        const vdb_search_params_t asked = parameters(params, query);
        if (call.take(query) && call.same(query.count(), 1, "explain takes one query") && call.room(text, VDB_EXPLAIN_MAX))
            call.made(vdb_explain(capi(), query.data(), query.dim(), k, &asked, text.data(), text.size(), &length, call.error()));
        text.resize(std::min(length, text.size()));
        return call.finish(std::move(text));
    }
    /// Tells as JSON about the columns of metadata: those that were declared, and those that filters looked at.
    Outcome<std::string> columns() const {
        return detail::whole_text([&](char *json, std::size_t cap, std::size_t *length, vdb_error_t *error) {
            return vdb_columns_get(capi(), json, cap, length, error);
        });
    }
    /// How long calls of a kind took.
    Outcome<vdb_latency_t> latency(Call kind) const {
        detail::Call call;
        vdb_latency_t latency{};
        latency.struct_size = sizeof latency;
        call.made(vdb_latency_get(capi(), static_cast<vdb_call_t>(kind), &latency, call.error()));
        return call.finish(latency);
    }
    /// Takes what waits in the log: lines with their ends, oldest first; empty when nothing waits.
    Outcome<std::string> log_read() {
        detail::Call call;
        std::string lines;
        std::vector<char> buffer;
        std::size_t length = 0;
        if (!call.room(buffer, 1 << 16)) return call.finish(std::move(lines));
        while (call.made(vdb_log_read(capi(), buffer.data(), buffer.size(), &length, call.error())) && length > 0)
            if (!call.has_memory(length, [&] { lines.append(buffer.data(), length); })) break;
        return call.finish(std::move(lines));
    }
    /// Forgets the answers that are kept for later searches (Option::CacheBytes).
    Outcome<void> cache_clear() { return plain([this](vdb_error_t *error) { return vdb_cache_clear(capi(), error); }); }
    Outcome<vdb_stats_t> stats() const {
        detail::Call call;
        vdb_stats_t stats{};
        stats.struct_size = sizeof stats;
        call.made(vdb_stats_get(capi(), &stats, call.error()));
        return call.finish(stats);
    }

private:
    explicit Database(vdb *handle) : handle_(handle) {}

    static Outcome<Database> open_at(const std::string *path, const Options &options) {
        detail::Call call;
        vdb *made = nullptr;
        if (options.pass(call) && (!path || call.take(*path)))
            call.made(vdb_open(path ? path->c_str() : nullptr, options.capi(), &made, call.error()));
        Database db(made);
        std::uint64_t dim = 0, scalar = 0;
        if (call.ok() && call.made(vdb_option_get_u64(made, VDB_OPT_DIM, &dim, call.error())))
            call.made(vdb_option_get_u64(made, VDB_OPT_SCALAR, &scalar, call.error()));
        db.dim_ = static_cast<std::size_t>(dim);
        db.scalar_ = static_cast<Scalar>(scalar);
        return call.finish(std::move(db));
    }

    static const char *text_or_null(const std::string &text) noexcept { return text.empty() ? nullptr : text.c_str(); }
    static vdb_task *capi_of(Task *task) noexcept { return task ? task->capi() : nullptr; }

    static vdb_search_params_t parameters(const SearchParams &params, const Rows &queries) noexcept {
        vdb_search_params_t asked = detail::to_c(params);
        asked.query_scalar = queries.scalar();
        return asked;
    }

    /// A call without results, which is given these texts.
    template <class F, class... Text> Outcome<void> plain(F function, const Text &...texts) const {
        detail::Call call;
        if ((call.take(texts) && ...)) call.made(function(call.error()));
        return call.finish();
    }

    template <class F> Outcome<void> write(F function, Span<const std::uint64_t> ids, const Rows &rows, Task *task) {
        detail::Call call;
        if (call.take(rows) && call.same(ids.size(), rows.count(), "there is not one id for each row"))
            call.made(function(capi(), ids.data(), rows.data(), rows.count(), rows.dim(), rows.stride(), rows.scalar(),
                               capi_of(task), call.error()));
        return call.finish();
    }

    template <class F>
    Outcome<std::vector<std::uint64_t>> write_records(F function, Span<const std::uint64_t> ids, const Rows &rows,
                                                      const Records &records, Task *task) {
        detail::Call call;
        std::vector<std::uint64_t> given;
        const Texts &keys = records.keys, &meta = records.meta;
        if (call.take(rows) && (ids.empty() || call.same(ids.size(), rows.count(), "there is not one id for each row")) &&
            (!keys.given() || call.same(keys.count(), rows.count(), "there is not one key for each row")) &&
            (!meta.given() || call.same(meta.count(), rows.count(), "there is not one metadata for each row")) &&
            call.room(given, rows.count())) {
            if (ids.empty()) std::fill(given.begin(), given.end(), VDB_ID_NONE);
            else std::copy(ids.begin(), ids.end(), given.begin());
            call.made(function(capi(), given.data(), keys.data(), keys.offsets(), rows.data(), rows.count(), rows.dim(),
                               rows.stride(), rows.scalar(), meta.data(), meta.offsets(), capi_of(task), call.error()));
        }
        return call.finish(std::move(given));
    }

    /// No snapshot is the newest state.
    static const vdb_snapshot *state(const Snapshot *snapshot) noexcept { return snapshot ? snapshot->capi() : nullptr; }

    template <class F>
    Outcome<std::vector<std::string>> texts(F function, Span<const std::uint64_t> ids, const Snapshot *snapshot) const {
        detail::Call call;
        std::vector<std::string> found = detail::texts_of_rows(
            call, ids.size(), [&](char *to, std::size_t cap, std::uint64_t *offsets, std::size_t *length) {
                return function(capi(), state(snapshot), ids.data(), ids.size(), to, cap, offsets, length, call.error());
            });
        return call.finish(std::move(found));
    }

    void get_rows(detail::Call &call, Span<const std::uint64_t> ids, Scalar scalar, void *vectors,
                  Span<std::uint8_t> found, std::size_t stride, const Snapshot *snapshot) const {
        call.made(vdb_get_batch_at(capi(), state(snapshot), ids.data(), ids.size(), dim_, static_cast<vdb_scalar_t>(scalar),
                                   vectors, stride, found.data(), call.error()));
    }

    /// Room for the results of `count` queries.
    static bool sized(detail::Call &call, SearchResult &found, std::size_t count, std::size_t k) {
        found.k = k;
        return call.places("k", k) && call.room(found.ids, count, k) && call.room(found.distances, count, k) &&
               call.room(found.counts, count);
    }

    /// A search with one list of results.
    template <class F> static Outcome<Chosen> chosen(std::size_t k, F function) {
        detail::Call call;
        Chosen found;
        if (call.places("k", k) && call.room(found.ids, k) && call.room(found.distances, k)) {
            std::uint32_t count = 0;
            call.made(function(found.ids.data(), found.distances.data(), &count, call.error()));
            found.ids.resize(count);
            found.distances.resize(count);
            found.partial = call.partial();
        }
        return call.finish(std::move(found));
    }

    template <class F>
    void search_rows(detail::Call &call, F function, const Rows &queries, std::size_t k, const SearchParams &params,
                     std::uint64_t *ids, float *distances, std::uint32_t *counts) const {
        vdb_search_params_t asked = parameters(params, queries);
        call.made(function(capi(), queries.data(), queries.count(), queries.dim(), queries.stride(), k, &asked, ids,
                           distances, counts, call.error()));
    }

    template <class F>
    Outcome<SearchResult> search_with(F function, const Rows &queries, std::size_t k, const SearchParams &params) const {
        detail::Call call;
        SearchResult found;
        if (call.take(queries) && sized(call, found, queries.count(), k)) {
            search_rows(call, function, queries, k, params, found.ids.data(), found.distances.data(), found.counts.data());
            found.partial = call.partial();
        }
        return call.finish(std::move(found));
    }

    Outcome<Recall> recall(const Rows &queries, std::size_t count, std::size_t k, const SearchParams &params,
                           Task *task) const {
        detail::Call call;
        Recall found;
        if (call.take(queries)) {
            vdb_search_params_t asked = parameters(params, queries);
            call.made(vdb_measure_recall(capi(), queries.data(), count, queries.dim(), queries.stride(), k, &asked,
                                         &found.recall, &found.low, &found.high, capi_of(task), call.error()));
        }
        return call.finish(found);
    }

    friend Outcome<ManyResult> search_many(Span<const Database *const>, const Rows &, std::size_t, const SearchParams &);

    detail::Handle<vdb, detail::close_database> handle_;
    std::size_t dim_ = 0;
    Scalar scalar_ = Scalar::F32;
};

/// Finds the nearest rows of each query among those of all databases, as if they were one. They must have the
/// same metric and dimension.
inline Outcome<ManyResult> search_many(Span<const Database *const> databases, const Rows &queries, std::size_t k,
                                       const SearchParams &params = {}) {
    detail::Call call;
    ManyResult found;
    std::vector<const vdb *> handles;
    if (!call.room(handles, databases.size())) return call.finish(std::move(found));
    std::transform(databases.begin(), databases.end(), handles.begin(),
                   [](const Database *database) { return database ? database->capi() : nullptr; });
    if (call.take(queries) && Database::sized(call, found, queries.count(), k) && call.room(found.sources, found.ids.size())) {
        const vdb_search_params_t asked = Database::parameters(params, queries);
        call.made(vdb_search_many(handles.data(), handles.size(), queries.data(), queries.count(), queries.dim(),
                                  queries.stride(), k, &asked, found.ids.data(), found.distances.data(),
                                  found.sources.data(), found.counts.data(), call.error()));
        found.partial = call.partial();
    }
    return call.finish(std::move(found));
}

/// Makes a new database in the directory `to` of all that can be read of the damaged one in `from`.
inline Outcome<RepairReport> repair(const std::string &from, const std::string &to, const Options *options = nullptr,
                                    Task *task = nullptr) {
    detail::Call call;
    RepairReport report;
    std::size_t length = 0;
    if (call.take(from) && call.take(to) && (!options || options->pass(call)) && call.room(report.json, VDB_REPAIR_REPORT_MAX))
        call.made(vdb_repair(from.c_str(), to.c_str(), options ? options->capi() : nullptr, report.json.data(),
                             report.json.size(), &length, task ? task->capi() : nullptr, call.error()));
    report.json.resize(std::min(length, report.json.size()));
    report.complete = call.ok() && !call.partial();
    return call.finish(std::move(report));
}

} // namespace VDB_HPP_NAMESPACE
} // namespace vdbpp

#undef VDB_HPP_NAMESPACE
#undef VDB_HPP_LIFETIME
#undef VDB_HPP_VIEW

#endif // VDB_HPP
