/* Options, tasks, filters and results of vdb.hpp. Include vdb.hpp and not this file. */

#ifndef VDB_HPP_PARTS
#define VDB_HPP_PARTS

#include <functional>

#include "base.hpp"

namespace vdbpp {
inline namespace VDB_HPP_NAMESPACE {

// ---- Library -------------------------------------------------------------------------------------

inline const char *version_string() noexcept { return vdb_version_string(); }
inline std::uint32_t version_number() noexcept { return vdb_version_number(); }
/// Whether the library that was loaded has the binary interface of this header.
inline bool abi_matches() noexcept { return vdb_abi_version() == VDB_ABI_VERSION; }
inline const char *status_name(Status status) noexcept { return vdb_status_name(static_cast<vdb_status_t>(status)); }

/// Facts about this build, as JSON.
inline Outcome<std::string> build_info() { return detail::whole_text(vdb_build_info); }

// ---- Options -------------------------------------------------------------------------------------

/// What a database is opened with: Options().dim(384).metric(Metric::Cosine). The first failure is kept
/// and returned by the call that takes the options.
class Options : public OptionSetters<Options> {
public:
    Options() {
        vdb_options *made = nullptr;
        if (call_.made(vdb_options_new(&made, call_.error()))) handle_ = Handle(made);
    }

    /// Sets a number, a switch, a fraction, a value of an enum or a text.
    template <class T> Options &set(Option option, const T &value) & {
        constexpr bool is_text = std::is_convertible_v<T, std::string>;
        static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T> || is_text, "an option is a number, a value of an enum or a text");
        if (!call_.ok()) return *this;
        const vdb_option_info_t info = info_of(option);
        if constexpr (is_text) return set(info.name ? info.name : std::to_string(static_cast<vdb_option_t>(option)), value);
        else if (info.value_type == VDB_OPTION_TYPE_F64) fraction(option, static_cast<double>(value));
        else whole(option, info, value);
        return *this;
    }
    /// Sets any option by name: ("hnsw.m", "32").
    Options &set(const std::string &name, const std::string &value) & {
        if (call_.ok() && call_.take(name) && call_.take(value))
            call_.made(vdb_options_set_text(capi(), name.c_str(), value.c_str(), call_.error()));
        return *this;
    }
    template <class Which, class T> Options set(const Which &option, const T &value) && { return std::move(set(option, value)); }

    vdb_options *capi() const noexcept { return handle_.get(); }
    /// Hands the first failure over; true where there is none.
    bool pass(detail::Call &to) const noexcept {
        if (!call_.ok()) to = call_;
        return call_.ok();
    }

private:
    using Handle = detail::Handle<vdb_options, vdb_options_free>;

    /// What the table of options says of it; nothing where it does not know it.
    static vdb_option_info_t info_of(Option option) noexcept {
        vdb_option_info_t info{};
        info.struct_size = sizeof info;
        for (std::size_t at = 0; vdb_option_at(at, &info, nullptr) == VDB_OK; at++)
            if (info.id == static_cast<vdb_option_t>(option)) return info;
        return {};
    }
    void fraction(Option option, double value) noexcept {
        call_.made(vdb_options_set_f64(capi(), static_cast<vdb_option_t>(option), value, call_.error()));
    }
    template <class T> void whole(Option option, const vdb_option_info_t &info, T value) noexcept {
        std::uint64_t number = 0;
        if constexpr (std::is_floating_point_v<T>) {
            if (value >= 0 && value < T(18446744073709551616.0)) number = static_cast<std::uint64_t>(value);
            if (static_cast<T>(number) != value) return refuse(info, "is a whole number and not negative");
        } else {
            if constexpr (std::is_signed_v<T>) {
                if (value < 0) return refuse(info, "cannot be negative");
            }
            number = static_cast<std::uint64_t>(value);
        }
        call_.made(vdb_options_set_u64(capi(), static_cast<vdb_option_t>(option), number, call_.error()));
    }
    void refuse(const vdb_option_info_t &info, const char *why) noexcept {
        char text[80];
        std::snprintf(text, sizeof text, "%s %s", info.name ? info.name : "an option", why);
        call_.refuse(Status::ErrOutOfRange, text);
    }

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
        if (!call.has_memory(table.size() + 1, [&] { table.push_back(info); })) break;
    }
    return call.finish(std::move(table));
}

// ---- Tasks and filters ---------------------------------------------------------------------------

struct Progress {
    std::uint64_t done = 0, total = 0;
};

namespace detail {
/// First without its function: a call that still uses the task would ask one that is gone.
inline void free_task(vdb_task *task) {
    vdb_task_on_progress(task, nullptr, nullptr, nullptr);
    vdb_task_free(task);
}
} // namespace detail

/// Cancels a long call and shows its progress, from any thread. A call goes on when its task is closed, and asks no more.
class Task {
public:
    Task(Task &&) noexcept = default;
    Task &operator=(Task &&other) noexcept {
        Task moved(std::move(other));
        std::swap(handle_, moved.handle_);
        std::swap(function_, moved.function_);
        return *this;
    }

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
    /// does, which goes no further. An empty function removes it. To set another one, to close the task and to destroy it
    /// waits until the function returns, which therefore must not do these itself.
    Outcome<void> on_progress(std::function<bool(Progress)> keep_going) {
        detail::Call call;
        std::unique_ptr<std::function<bool(Progress)>> kept;
        const auto keep = [&] { kept = std::make_unique<std::function<bool(Progress)>>(std::move(keep_going)); };
        if (keep_going && !call.has_memory(1, keep)) return call.finish();
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
    detail::Handle<vdb_task, detail::free_task> handle_;
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

    /// A condition on metadata, "year >= 1990 and genre in $1"; with parameters it is for bind().
    static Outcome<Filter> where(std::string_view text) {
        detail::Call call;
        vdb_filter *made = nullptr;
        call.made(vdb_filter_parse(text.data(), text.size(), &made, call.error()));
        return call.finish(Filter(made));
    }
    static Outcome<Filter> where(std::nullptr_t) = delete;
    /// A filter like this one with values for its parameters, a JSON array whose first element stands for $1.
    Outcome<Filter> bind(std::string_view values) const {
        detail::Call call;
        vdb_filter *made = nullptr;
        call.made(vdb_filter_bind(capi(), values.data(), values.size(), &made, call.error()));
        return call.finish(Filter(made));
    }

    void close() noexcept { handle_.free(); }
    vdb_filter *capi() const noexcept { return handle_.get(); }

private:
    explicit Filter(vdb_filter *made) : handle_(made) {}
    detail::Handle<vdb_filter, vdb_filter_free> handle_;
};

/// The state of a database at one moment, for SearchParams and the reads of that Database. What it shows stays
/// in memory and on the disk until it is closed.
class Snapshot {
public:
    void close() noexcept { handle_.free(); }
    vdb_snapshot *capi() const noexcept { return handle_.get(); }

private:
    friend class Database;
    explicit Snapshot(vdb_snapshot *made) : handle_(made) {}
    detail::Handle<vdb_snapshot, vdb_snapshot_free> handle_;
};

// ---- Texts ---------------------------------------------------------------------------------------

/// Keys or metadata of rows, one for each; an empty text is none. As it stands: not given at all.
class Texts {
public:
    Texts() = default;
    Texts(std::initializer_list<std::string_view> texts) { append(texts); }
    /// Copies anything with begin() and end() over texts.
    template <class C, class = decltype(std::string_view(*std::begin(std::declval<const C &>())))>
    explicit Texts(const C &texts) {
        append(texts);
    }
    /// Texts that lie back to back already: text i is the bytes from offsets[i] up to offsets[i + 1]. Nothing is copied.
    static Texts view(const char *data, Span<const std::uint64_t> offsets VDB_HPP_LIFETIME) noexcept {
        Texts texts;
        texts.view_ = data ? data : ""; // NULL would say that they are not given
        texts.view_offsets_ = offsets;
        texts.given_ = !offsets.empty();
        return texts;
    }

    const char *data() const noexcept { return view_ ? view_ : given() ? data_.data() : nullptr; }
    const std::uint64_t *offsets() const noexcept { return view_ ? view_offsets_.data() : given() ? offsets_.data() : nullptr; }
    /// 0 also of texts that were moved from, which no rows take for theirs.
    std::size_t count() const noexcept {
        const std::size_t ends = view_ ? view_offsets_.size() : offsets_.size();
        return ends > 0 ? ends - 1 : 0;
    }
    bool given() const noexcept { return given_; }

private:
    template <class C> void append(const C &texts) {
        given_ = true;
        offsets_.push_back(0);
        for (std::string_view text : texts) {
            data_.append(text);
            offsets_.push_back(data_.size());
        }
    }

    std::string data_;
    std::vector<std::uint64_t> offsets_;
    const char *view_ = nullptr;
    Span<const std::uint64_t> view_offsets_;
    bool given_ = false;
};

/// What rows have beside ids and vectors. What is not given stays as it is where a row is replaced.
struct Records {
    Texts keys{}, meta{};
};

namespace detail {
/// Texts that come back to back: asked for their length, then for themselves; again where they grew meanwhile.
template <class Ask> std::vector<std::string> texts_of_rows(Call &call, std::size_t count, Ask ask) {
    std::vector<std::uint64_t> offsets;
    std::vector<std::string> texts;
    std::string data;
    std::size_t length = 0;
    if (!call.room(offsets, count + 1) || !call.made(ask(nullptr, std::size_t{0}, offsets.data(), &length))) return texts;
    do {
        if (!call.room(data, std::max<std::size_t>(length, 1))) return texts;
        call.made(ask(data.data(), data.size(), offsets.data(), &length));
    } while (call.status() == VDB_ERR_BUFFER_TOO_SMALL && length > data.size());
    if (!call.ok() || !call.room(texts, count)) return texts;
    call.has_memory(length, [&] {
        for (std::size_t i = 0; i < count; i++)
            texts[i].assign(data, static_cast<std::size_t>(offsets[i]), static_cast<std::size_t>(offsets[i + 1] - offsets[i]));
    });
    return texts;
}
} // namespace detail

// ---- Results -------------------------------------------------------------------------------------

/// The nearest rows of each query, in places of `k` for each, of which the first `counts[i]` are used.
struct SearchResult {
    std::size_t k = 0;
    std::vector<std::uint64_t> ids;
    std::vector<float> distances;
    std::vector<std::uint32_t> counts;
    /// A deadline or a task ended the search.
    bool partial = false;

    /// What was found for one query: a view, which a result without a name would not outlive.
    Span<const std::uint64_t> ids_of(std::size_t query) const &VDB_HPP_LIFETIME { return {ids.data() + query * k, counts[query]}; }
    Span<const float> distances_of(std::size_t query) const &VDB_HPP_LIFETIME { return {distances.data() + query * k, counts[query]}; }
    void ids_of(std::size_t) const && = delete;
    void distances_of(std::size_t) const && = delete;
};

/// The nearest rows of several databases; `sources` has the place of the database of each.
struct ManyResult : SearchResult {
    std::vector<std::uint32_t> sources;
};

/// The nearest rows of each group, of those that were found: of group i `ids_of(i)`, nearest group first.
using Groups = SearchResult;

/// Rows of one query that need not be in the order of their distances.
struct Chosen {
    std::vector<std::uint64_t> ids;
    std::vector<float> distances;
    bool partial = false;
};

/// Rows of a cursor, distances 0 where they come by id. Before it is `done` a page may have few rows or none, where a
/// deadline or a task ended it.
struct Page : Chosen {
    /// There are no more rows.
    bool done = false;
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

// ---- Cursors -------------------------------------------------------------------------------------

/// Rows one page after the other, of the state that the database had when the cursor was made.
class Cursor {
public:
    /// The next rows, `cap` at most, which is at most VDB_MAX_K.
    Outcome<Page> next(std::size_t cap) {
        detail::Call call;
        Page page;
        std::size_t count = 0;
        if (call.places("cap", cap) && call.room(page.ids, cap) && call.room(page.distances, cap))
            call.made(vdb_cursor_next(capi(), cap, page.ids.data(), page.distances.data(), &count, call.error()));
        page.ids.resize(count);
        page.distances.resize(count);
        page.partial = call.partial();
        page.done = call.status() == VDB_DONE;
        return call.finish(std::move(page));
    }

    void close() noexcept { handle_.free(); }
    vdb_cursor *capi() const noexcept { return handle_.get(); }

private:
    friend class Database;
    explicit Cursor(vdb_cursor *made) : handle_(made) {}
    detail::Handle<vdb_cursor, vdb_cursor_free> handle_;
};

} // namespace VDB_HPP_NAMESPACE
} // namespace vdbpp

#endif // VDB_HPP_PARTS
