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
 * Memory. Vectors go in as they lie (Rows is a view, nothing is copied). Results come out as vectors of
 * the standard library, or with the _into functions into the caller's own memory. Whatever a handle
 * wraps is given back by its destructor. A Database should be closed by hand where a failure of the last
 * checkpoint matters. capi() leads to the handle for functions of vdb.h.
 */

#ifndef VDB_HPP
#define VDB_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vdb/base.hpp"

namespace vdbpp {
inline namespace VDB_HPP_NAMESPACE {

// ---- Library -------------------------------------------------------------------------------------

inline const char *version_string() noexcept { return vdb_version_string(); }
inline std::uint32_t version_number() noexcept { return vdb_version_number(); }
/// Whether the library that was loaded has the binary interface of this header.
inline bool abi_matches() noexcept { return vdb_abi_version() == VDB_ABI_VERSION; }
inline const char *status_name(Status status) noexcept { return vdb_status_name(static_cast<vdb_status_t>(status)); }

/// Facts about this build, as JSON.
inline Outcome<std::string> build_info() {
    detail::Call call;
    std::string text = detail::sized_text(
        call, [&](char *to, std::size_t cap, std::size_t *length) { return vdb_build_info(to, cap, length, call.error()); });
    return call.finish(std::move(text));
}

// ---- Options -------------------------------------------------------------------------------------

/// What a database is opened with: Options().dim(384).metric(Metric::Cosine). The first failure is kept
/// and returned by the call that takes the options.
class Options : public OptionSetters<Options> {
public:
    Options() {
        vdb_options *made = nullptr;
        if (call_.made(vdb_options_new(&made, call_.error()))) handle_ = Handle(made);
    }

    /// Sets a number, a switch, a fraction or a value of an enum.
    template <class T> Options &set(Option option, T value) {
        static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>, "an option is a number or a value of an enum");
        const auto number = static_cast<vdb_option_t>(option);
        if (!call_.ok()) return *this;
        if constexpr (std::is_floating_point_v<T>) {
            call_.made(vdb_options_set_f64(capi(), number, value, call_.error()));
        } else {
            if constexpr (std::is_signed_v<T>) {
                if (value < 0 && !call_.refuse(Status::ErrOutOfRange, "an option cannot be negative")) return *this;
            }
            call_.made(vdb_options_set_u64(capi(), number, static_cast<std::uint64_t>(value), call_.error()));
        }
        return *this;
    }
    /// Sets any option by name: ("hnsw.m", "32").
    Options &set(const std::string &name, const std::string &value) {
        if (call_.ok()) call_.made(vdb_options_set_text(capi(), name.c_str(), value.c_str(), call_.error()));
        return *this;
    }

    vdb_options *capi() const noexcept { return handle_.get(); }
    /// Hands the first failure over; true where there is none.
    bool pass(detail::Call &to) const noexcept {
        if (!call_.ok()) to = call_;
        return call_.ok();
    }

private:
    using Handle = detail::Handle<vdb_options, vdb_options_free>;

    detail::Call call_;
    Handle handle_;
};

/// The table of options, in the order of their numbers. The texts are static.
inline Outcome<std::vector<vdb_option_info_t>> option_table() {
    detail::Call call;
    std::vector<vdb_option_info_t> table;
    for (;;) {
        vdb_option_info_t info{};
        info.struct_size = sizeof info;
        if (!call.made(vdb_option_at(table.size(), &info, call.error())) || call.status() == VDB_DONE) break;
        table.push_back(info);
    }
    return call.finish(std::move(table));
}

// ---- Tasks and filters ---------------------------------------------------------------------------

struct Progress {
    std::uint64_t done = 0, total = 0;
};

/// Cancels a long call and shows its progress, from any thread.
class Task {
public:
    static Outcome<Task> make() {
        detail::Call call;
        vdb_task *made = nullptr;
        call.made(vdb_task_new(&made, call.error()));
        return call.finish(Task(made));
    }

    Outcome<void> cancel() { return plain(vdb_task_cancel(capi())); }
    Outcome<Progress> progress() const {
        detail::Call call;
        Progress now;
        const vdb_status_t status = vdb_task_progress(capi(), &now.done, &now.total);
        if (status < 0) call.refuse(static_cast<Status>(status), vdb_status_name(status));
        return call.finish(now);
    }
    /// A function that a long call asks at each step, on its own thread; false cancels, as an exception
    /// does, which goes no further. An empty function removes it.
    Outcome<void> on_progress(std::function<bool(Progress)> keep_going) {
        detail::Call call;
        auto kept = keep_going ? std::make_unique<std::function<bool(Progress)>>(std::move(keep_going)) : nullptr;
        if (call.made(vdb_task_on_progress(capi(), kept ? ask : nullptr, kept.get(), call.error()))) function_ = std::move(kept);
        return call.finish();
    }

    void close() noexcept { handle_.free(); }
    vdb_task *capi() const noexcept { return handle_.get(); }

private:
    explicit Task(vdb_task *made) : handle_(made) {}

    static int ask(void *user, std::uint64_t done, std::uint64_t total) {
        auto &keep_going = *static_cast<std::function<bool(Progress)> *>(user);
#ifdef __cpp_exceptions
        try {
            return keep_going({done, total});
        } catch (...) {
            return 0;
        }
#else
        return keep_going({done, total});
#endif
    }
    static Outcome<void> plain(vdb_status_t status) {
        detail::Call call;
        if (status < 0) call.refuse(static_cast<Status>(status), vdb_status_name(status));
        return call.finish();
    }

    std::unique_ptr<std::function<bool(Progress)>> function_; // outlives the handle below
    detail::Handle<vdb_task, vdb_task_free> handle_;
};

/// Says which rows a search may return. Any thread may use it.
class Filter {
public:
    /// Only these ids, or with `allow` false all but these. They are copied.
    static Outcome<Filter> ids(Span<const std::uint64_t> ids, bool allow = true) {
        detail::Call call;
        vdb_filter *made = nullptr;
        call.made(vdb_filter_ids(ids.data(), ids.size(), allow, &made, call.error()));
        return call.finish(Filter(made));
    }

    void close() noexcept { handle_.free(); }
    vdb_filter *capi() const noexcept { return handle_.get(); }

private:
    explicit Filter(vdb_filter *made) : handle_(made) {}
    detail::Handle<vdb_filter, vdb_filter_free> handle_;
};

// ---- Results -------------------------------------------------------------------------------------

/// The nearest rows of each query, in places of `k` for each, of which the first `counts[i]` are used.
struct SearchResult {
    std::size_t k = 0;
    std::vector<std::uint64_t> ids;
    std::vector<float> distances;
    std::vector<std::uint32_t> counts;
    /// A deadline or a task ended the search.
    bool partial = false;

    /// What was found for one query.
    Span<const std::uint64_t> ids_of(std::size_t query) const { return {ids.data() + query * k, counts[query]}; }
    Span<const float> distances_of(std::size_t query) const { return {distances.data() + query * k, counts[query]}; }
};

/// All rows within a distance, nearest first; `more` where there are others.
struct RangeResult {
    std::vector<std::uint64_t> ids;
    std::vector<float> distances;
    bool more = false, partial = false;
};

/// Vectors by id, packed; where `found[i]` is 0 the row is zero.
template <class T> struct Fetched {
    std::vector<T> values;
    std::vector<std::uint8_t> found;
};

/// A measured recall and the ends of its 95 % confidence interval.
struct Recall {
    double recall = 0, low = 0, high = 0;
};

/// What vdb_repair saved; `json` has the whole report.
struct RepairReport {
    bool complete = false;
    std::string json;
};

namespace detail {
inline void close_database(vdb *db) { vdb_close(db, nullptr); }
} // namespace detail

// ---- Databases -----------------------------------------------------------------------------------

/// An open database. Every function may be called from any thread at any time.
class Database {
public:
    /// Opens the database in a directory. std::filesystem::path is fine too.
    static Outcome<Database> open(const std::string &path, const Options &options = Options()) {
        return open_at(path.c_str(), options);
    }
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

    // ---- Writes

    Outcome<void> insert(Span<const std::uint64_t> ids, const Rows &rows, Task *task = nullptr) {
        return write(vdb_insert_batch, ids, rows, task);
    }
    Outcome<void> upsert(Span<const std::uint64_t> ids, const Rows &rows, Task *task = nullptr) {
        return write(vdb_upsert_batch, ids, rows, task);
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
    template <class T = float> Outcome<Fetched<T>> get(Span<const std::uint64_t> ids) const {
        Fetched<T> fetched{std::vector<T>(ids.size() * dim_), std::vector<std::uint8_t>(ids.size())};
        detail::Call call;
        get_rows(call, ids, detail::ScalarOf<T>::value, fetched.values.data(), fetched.found, 0);
        return call.finish(std::move(fetched));
    }
    /// The vectors of ids as bytes of any type, into rows of the caller `stride` bytes apart.
    Outcome<void> get_into(Span<const std::uint64_t> ids, Scalar scalar, void *vectors, Span<std::uint8_t> found,
                           std::size_t stride = 0) const {
        detail::Call call;
        if (call.same(found.size(), ids.size(), "`found` has not one place for each id"))
            get_rows(call, ids, scalar, vectors, found, stride);
        return call.finish();
    }
    Outcome<std::uint64_t> count(const Filter *filter = nullptr) const {
        detail::Call call;
        std::uint64_t rows = 0;
        call.made(vdb_count(capi(), filter ? filter->capi() : nullptr, &rows, call.error()));
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
        if (call.take(queries) && call.same(fits, true, "`ids` or `distances` has fewer than count * k places") &&
            (counts.empty() || call.same(counts.size(), queries.count(), "`counts` has not one place for each query")))
            search_rows(call, vdb_search, queries, k, params, ids.data(), distances.data(), counts.data());
        return call.finish(!call.partial());
    }
    Outcome<RangeResult> search_range(const Rows &query, float max_distance, std::size_t cap,
                                      const SearchParams &params = {}) const {
        detail::Call call;
        RangeResult found;
        if (call.take(query) && call.same(query.count(), 1, "search_range takes one query") && places(call, cap)) {
            found.ids.resize(cap);
            found.distances.resize(cap);
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
        std::string report(VDB_CHECK_REPORT_MAX, '\0');
        std::size_t length = 0;
        const bool sound = call.made(vdb_check(capi(), static_cast<std::uint32_t>(level), report.data(), report.size(),
                                               &length, capi_of(task), call.error()));
        report.resize(std::min(length, report.size()));
        if (!sound) return call.fail<std::string>(std::move(report));
        return call.finish(std::move(report));
    }
    Outcome<vdb_stats_t> stats() const {
        detail::Call call;
        vdb_stats_t stats{};
        stats.struct_size = sizeof stats;
        call.made(vdb_stats_get(capi(), &stats, call.error()));
        return call.finish(stats);
    }

private:
    explicit Database(vdb *handle) : handle_(handle) {}

    static Outcome<Database> open_at(const char *path, const Options &options) {
        detail::Call call;
        vdb *made = nullptr;
        if (options.pass(call)) call.made(vdb_open(path, options.capi(), &made, call.error()));
        Database db(made);
        std::uint64_t dim = 0, scalar = 0;
        if (call.ok() && call.made(vdb_option_get_u64(made, VDB_OPT_DIM, &dim, call.error())))
            call.made(vdb_option_get_u64(made, VDB_OPT_SCALAR, &scalar, call.error()));
        db.dim_ = static_cast<std::size_t>(dim);
        db.scalar_ = static_cast<Scalar>(scalar);
        return call.finish(std::move(db));
    }

    static vdb_task *capi_of(Task *task) noexcept { return task ? task->capi() : nullptr; }

    static vdb_search_params_t parameters(const SearchParams &params, const Rows &queries) noexcept {
        vdb_search_params_t asked = detail::to_c(params);
        asked.query_scalar = queries.scalar();
        return asked;
    }

    template <class F> Outcome<void> plain(F function) const {
        detail::Call call;
        call.made(function(call.error()));
        return call.finish();
    }

    template <class F> Outcome<void> write(F function, Span<const std::uint64_t> ids, const Rows &rows, Task *task) {
        detail::Call call;
        if (call.take(rows) && call.same(ids.size(), rows.count(), "there is not one id for each row"))
            call.made(function(capi(), ids.data(), rows.data(), rows.count(), rows.dim(), rows.stride(), rows.scalar(),
                               capi_of(task), call.error()));
        return call.finish();
    }

    void get_rows(detail::Call &call, Span<const std::uint64_t> ids, Scalar scalar, void *vectors,
                  Span<std::uint8_t> found, std::size_t stride) const {
        call.made(vdb_get_batch(capi(), ids.data(), ids.size(), dim_, static_cast<vdb_scalar_t>(scalar), vectors, stride,
                                found.data(), call.error()));
    }

    /// Before memory is taken for results: the library would refuse such a k.
    static bool places(detail::Call &call, std::size_t k) noexcept {
        return k <= VDB_MAX_K || call.refuse(Status::ErrLimit, "k is above VDB_MAX_K");
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
        found.k = k;
        if (call.take(queries) && places(call, k)) {
            found.ids.resize(queries.count() * k);
            found.distances.resize(queries.count() * k);
            found.counts.resize(queries.count());
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

    detail::Handle<vdb, detail::close_database> handle_;
    std::size_t dim_ = 0;
    Scalar scalar_ = Scalar::F32;
};

/// Makes a new database in the directory `to` of all that can be read of the damaged one in `from`.
inline Outcome<RepairReport> repair(const std::string &from, const std::string &to, const Options *options = nullptr,
                                    Task *task = nullptr) {
    detail::Call call;
    RepairReport report;
    report.json.resize(VDB_REPAIR_REPORT_MAX);
    std::size_t length = 0;
    if (!options || options->pass(call))
        call.made(vdb_repair(from.c_str(), to.c_str(), options ? options->capi() : nullptr, report.json.data(),
                             report.json.size(), &length, task ? task->capi() : nullptr, call.error()));
    report.json.resize(std::min(length, report.json.size()));
    report.complete = call.ok() && !call.partial();
    return call.finish(std::move(report));
}

} // namespace VDB_HPP_NAMESPACE
} // namespace vdbpp

#undef VDB_HPP_NAMESPACE

#endif // VDB_HPP
