/* Views, errors and handles of vdb.hpp: what its classes are made of. Include vdb.hpp and not this file. */

#ifndef VDB_HPP_BASE
#define VDB_HPP_BASE

#if __cplusplus < 201703L
#error "vdb.hpp needs C++17 or later: -std=c++17"
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#if defined(__has_include)
#if __has_include(<version>)
#include <version>
#endif
#endif
#if defined(__cpp_lib_ranges)
#include <ranges>
#endif
#if defined(__STDCPP_FLOAT16_T__) || defined(__STDCPP_BFLOAT16_T__)
#include <stdfloat>
#endif

#ifdef VDB_EXCEPTIONS
#define VDB_HPP_NAMESPACE throwing
#else
#define VDB_HPP_NAMESPACE returning
#endif

/* Let clang warn of a view with a name of what is gone by then. */
#if defined(__clang__)
#define VDB_HPP_LIFETIME [[clang::lifetimebound]]
#define VDB_HPP_VIEW [[gsl::Pointer]]
#else
#define VDB_HPP_LIFETIME
#define VDB_HPP_VIEW
#endif

#include "names.hpp"

namespace vdbpp {
inline namespace VDB_HPP_NAMESPACE {

// ---- Views ---------------------------------------------------------------------------------------

/// A view of values that lie one after the other, as std::span is in C++20: made from anything with
/// data() and size(), and from lists in braces.
template <class T> class VDB_HPP_VIEW Span {
public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using iterator = T *;

    constexpr Span() noexcept = default;
    constexpr Span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N> constexpr Span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    template <class C, class = std::enable_if_t<
                           std::is_convertible_v<decltype(std::declval<C &>().data()), T *> &&
                           std::is_convertible_v<decltype(std::declval<C &>().size()), std::size_t>>>
    constexpr Span(C &&values) noexcept : data_(values.data()), size_(values.size()) {}
    /// For arguments only, as with std::span: a list lives no longer than the call, and a Span with a name would outlive it.
    template <class U = T, class = std::enable_if_t<std::is_const_v<U>>>
    constexpr Span(std::initializer_list<value_type> values VDB_HPP_LIFETIME) noexcept : size_(values.size()) {
        data_ = values.begin();
    }

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t at) const noexcept { return data_[at]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

namespace detail {
template <class T> struct ScalarOf {};
template <> struct ScalarOf<float> { static constexpr Scalar value = Scalar::F32; };
template <> struct ScalarOf<std::int8_t> { static constexpr Scalar value = Scalar::I8; };
template <> struct ScalarOf<std::uint8_t> { static constexpr Scalar value = Scalar::U8; };
#if defined(__STDCPP_FLOAT16_T__)
template <> struct ScalarOf<std::float16_t> { static constexpr Scalar value = Scalar::F16; };
#endif
#if defined(__STDCPP_BFLOAT16_T__)
template <> struct ScalarOf<std::bfloat16_t> { static constexpr Scalar value = Scalar::Bf16; };
#endif
template <class C> using Component = ScalarOf<std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<C &>().data())>>>;

/// For functions that refuse a NULL where a text stands, which as a std::string would end the program.
template <class N> using IsNull = std::enable_if_t<std::is_same_v<N, std::nullptr_t>>;

/// Whether what a C shows lies elsewhere and outlives it.
#if defined(__cpp_lib_ranges)
template <class C> inline constexpr bool is_view = std::ranges::enable_borrowed_range<C>;
#else
template <class C> inline constexpr bool is_view = false;
template <class T> inline constexpr bool is_view<Span<T>> = true;
#endif
} // namespace detail

/// A view of vectors: `count` rows of `dim` components, `stride` bytes apart (0 = packed). What has a name must outlive
/// it; a temporary is moved into it, so that Rows with a name are as good as those in a call.
class Rows {
public:
    /// One vector.
    template <class C, class = decltype(detail::Component<const C>::value)>
    Rows(C &&vector) : Rows(std::forward<C>(vector), vector.size()) {}
    template <class T, std::size_t N, class = decltype(detail::ScalarOf<T>::value)>
    Rows(const T (&vector VDB_HPP_LIFETIME)[N]) noexcept : Rows(raw(vector, 1, N, detail::ScalarOf<T>::value)) {}
    Rows(std::initializer_list<float> vector) : Rows(std::vector<float>(vector)) { count_ = 1; }

    /// Values of rows of `dim` components, one after the other.
    template <class C, class = decltype(detail::Component<const C>::value)>
    Rows(C &&values, std::size_t dim)
        : Rows(raw(values.data(), dim ? values.size() / dim : 0, dim, detail::Component<const C>::value)) {
        whole_ = dim ? values.size() % dim == 0 : values.size() == 0;
        if constexpr (!std::is_lvalue_reference_v<C> && !detail::is_view<C>) keep(std::move(values));
    }

    // A move would take what was kept and leave its address.
    Rows(const Rows &) = default;
    Rows &operator=(const Rows &) = default;

    /// Any rows by address; the way for f16, bf16 and bits on compilers without types for them.
    static Rows raw(const void *data, std::size_t count, std::size_t dim, Scalar scalar, std::size_t stride = 0) noexcept {
        return Rows(data, count, dim, stride, scalar);
    }

    const void *data() const noexcept { return data_; }
    std::size_t count() const noexcept { return count_; }
    std::size_t dim() const noexcept { return dim_; }
    std::size_t stride() const noexcept { return stride_; }
    vdb_scalar_t scalar() const noexcept { return static_cast<vdb_scalar_t>(scalar_); }
    /// False where the number of values was no multiple of `dim`; every call refuses such rows.
    bool whole() const noexcept { return whole_; }

private:
    Rows(const void *data, std::size_t count, std::size_t dim, std::size_t stride, Scalar scalar) noexcept
        : data_(data), count_(count), dim_(dim), stride_(stride), scalar_(scalar) {}

    template <class C> void keep(C &&values) {
        const auto kept = std::make_shared<C>(std::move(values));
        data_ = kept->data();
        kept_ = kept;
    }

    std::shared_ptr<const void> kept_;
    const void *data_;
    std::size_t count_, dim_, stride_;
    Scalar scalar_;
    bool whole_ = true;
};

// ---- Errors --------------------------------------------------------------------------------------

/// Why a call failed.
class Error {
public:
    explicit Error(const vdb_error_t &record, std::string report = {}) : record_(record), report_(std::move(report)) {}

    Status code() const noexcept { return static_cast<Status>(record_.code); }
    /// The name of the status, "VDB_ERR_DIMENSION".
    const char *name() const noexcept { return vdb_status_name(record_.code); }
    const char *message() const noexcept VDB_HPP_LIFETIME { return record_.message; }
    /// The row, query or byte to blame.
    std::optional<std::uint64_t> item() const noexcept {
        return record_.item == UINT64_MAX ? std::nullopt : std::optional<std::uint64_t>(record_.item);
    }
    int os_error() const noexcept { return record_.os_error; }
    /// What Database::check found, as JSON; empty for other calls.
    const std::string &report() const noexcept { return report_; }

private:
    vdb_error_t record_;
    std::string report_;
};

namespace detail {
/// Ends a program that asked a Result for what it does not hold, and says so: `error` is what it holds, NULL a value.
[[noreturn]] inline void misused(const Error *error) {
    if (error) std::fprintf(stderr, "vdbpp: a Result without a value was asked for it: %s: %s\n", error->name(), error->message());
    else std::fprintf(stderr, "vdbpp: a Result without an error was asked for it\n");
    std::fflush(stderr); // a program may have given it a buffer
    std::abort();
}
} // namespace detail

/// A value or an Error. To ask for the one that is not there is a mistake of the program: it is aborted, with a line on
/// stderr. What a Result without a name is asked for is moved out of it, so that a loop may go over `*db.get_meta(ids)`.
template <class T> class [[nodiscard]] Result {
public:
    Result(T value) : either_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : either_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const noexcept { return either_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }
    T &value() & { return *get<0>(); }
    const T &value() const & { return *get<0>(); }
    T value() && { return std::move(*get<0>()); }
    /// The value, or `other` where there is none.
    template <class U> T value_or(U &&other) const & { return ok() ? *get<0>() : static_cast<T>(std::forward<U>(other)); }
    template <class U> T value_or(U &&other) && { return ok() ? std::move(*get<0>()) : static_cast<T>(std::forward<U>(other)); }
    T &operator*() & { return *get<0>(); }
    const T &operator*() const & { return *get<0>(); }
    T operator*() && { return std::move(*get<0>()); }
    /// What it points to ends with the Result.
    T *operator->() VDB_HPP_LIFETIME { return get<0>(); }
    const T *operator->() const VDB_HPP_LIFETIME { return get<0>(); }
    const Error &error() const & { return *get<1>(); }
    Error error() && { return std::move(*get<1>()); }

private:
    template <std::size_t I> auto *get() {
        holds(I);
        return std::get_if<I>(&either_);
    }
    template <std::size_t I> const auto *get() const {
        holds(I);
        return std::get_if<I>(&either_);
    }
    void holds(std::size_t which) const {
        if (either_.index() != which) detail::misused(std::get_if<1>(&either_));
    }

    std::variant<T, Error> either_;
};

template <> class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return ok(); }
    const Error &error() const & {
        if (!error_) detail::misused(nullptr);
        return *error_;
    }
    Error error() && { return std::as_const(*this).error(); }

private:
    std::optional<Error> error_;
};

#ifdef VDB_EXCEPTIONS
class Exception : public std::runtime_error {
public:
    explicit Exception(Error error) : std::runtime_error(error.message()), error_(std::move(error)) {}
    const Error &error() const noexcept { return error_; }
    Status code() const noexcept { return error_.code(); }

private:
    Error error_;
};
template <class T> using Outcome = T;
#else
template <class T> using Outcome = Result<T>;
#endif

namespace detail {

/// One call: its error record, its status, and what becomes of both.
class Call {
public:
    vdb_error_t *error() noexcept { return &record_; }
    bool ok() const noexcept { return status_ >= 0; }
    bool partial() const noexcept { return status_ == VDB_PARTIAL; }
    vdb_status_t status() const noexcept { return status_; }

    /// Takes the status of a call made with error().
    bool made(vdb_status_t status) noexcept {
        status_ = status;
        return ok();
    }
    /// Refuses what the library was not asked.
    bool refuse(Status status, const char *message) noexcept {
        record_ = VDB_ERROR_INIT;
        record_.code = status_ = static_cast<vdb_status_t>(status);
        record_.item = UINT64_MAX;
        std::memcpy(record_.message, message, std::min(std::strlen(message), sizeof record_.message - 1));
        return false;
    }
    /// Before memory is taken for results: the library would refuse as many. `name` is whose number that is.
    bool places(const char *name, std::size_t number) noexcept {
        if (number <= VDB_MAX_K) return true;
        char text[80];
        std::snprintf(text, sizeof text, "%s = %zu is above %u (VDB_MAX_K)", name, number, unsigned(VDB_MAX_K));
        return refuse(Status::ErrLimit, text);
    }
    bool take(const Rows &rows) noexcept {
        if (rows.whole()) return true;
        char text[sizeof record_.message];
        std::snprintf(text, sizeof text, "the values are not whole rows of %zu components: %zu rows, and some are left over", rows.dim(), rows.count());
        return refuse(Status::ErrInvalidArgument, text);
    }
    /// A text that goes to the library without its length.
    bool take(const std::string &text) noexcept {
        return text.find('\0') == std::string::npos || refuse(Status::ErrInvalidArgument, "a text has a NUL inside, where it would end");
    }
    bool same(std::size_t have, std::size_t want, const char *message) noexcept {
        if (have == want) return true;
        char text[sizeof record_.message];
        std::snprintf(text, sizeof text, "%s (%zu, wanted %zu)", message, have, want);
        return refuse(Status::ErrInvalidArgument, text);
    }

    /// Does what takes memory; where there is none for `count` places that is an error like any other.
    template <class F> bool has_memory(std::size_t count, F take) {
#ifdef __cpp_exceptions
        try {
            take();
            return true;
        } catch (const std::bad_alloc &) {
        } catch (const std::length_error &) {
        }
        char text[64];
        std::snprintf(text, sizeof text, "there is no memory for %zu places", count);
        return refuse(Status::ErrNoMemory, text);
#else
        static_cast<void>(count);
        take();
        return true;
#endif
    }
    /// Places for `count` results of `each` values.
    template <class Values> bool room(Values &values, std::size_t count, std::size_t each = 1) {
        const std::size_t places = each && count > SIZE_MAX / each ? SIZE_MAX : count * each;
        return has_memory(places, [&] { values.resize(places); });
    }

    template <class T> Outcome<T> finish(T value) {
        if (!ok()) return fail<T>();
        return value;
    }
    Outcome<void> finish() {
        if (!ok()) return fail<void>();
        return Outcome<void>();
    }
    template <class T> Outcome<T> fail(std::string report = {}) {
#ifdef VDB_EXCEPTIONS
        throw Exception(Error(record_, std::move(report)));
#else
        return Error(record_, std::move(report));
#endif
    }

private:
    vdb_error_t record_ = VDB_ERROR_INIT;
    vdb_status_t status_ = VDB_OK;
};

/// Owns a handle. A handle that was closed keeps its number: what is done with it is VDB_ERR_CLOSED. So it is with
/// what was moved from, where NULL would stand for no filter, no snapshot or the default options.
template <class T, void (*Free)(T *)> class Handle {
public:
    explicit Handle(T *handle = nullptr) noexcept : handle_(handle), owned_(handle != nullptr) {}
    Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, none())), owned_(other.owned_.exchange(false)) {}
    Handle &operator=(Handle &&other) noexcept {
        Handle moved(std::move(other));
        std::swap(handle_, moved.handle_);
        owned_ = moved.owned_.exchange(owned_);
        return *this;
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle() { free(); }

    T *get() const noexcept { return handle_; }
    /// It was freed by other means.
    void release() noexcept { owned_ = false; }
    void free() noexcept {
        if (owned_.exchange(false)) Free(handle_);
    }

private:
    /// A number that no handle has.
    static T *none() noexcept { return reinterpret_cast<T *>(UINTPTR_MAX); }

    T *handle_;
    std::atomic<bool> owned_; // two threads may close
};

/// What a call writes as a text, into a buffer that grows until it fits.
template <class Write> Outcome<std::string> whole_text(Write write) {
    Call call;
    std::string text;
    std::size_t length = 1023;
    do {
        if (!call.room(text, length + 1)) break;
        call.made(write(text.data(), text.size(), &length, call.error()));
    } while (call.status() == VDB_ERR_BUFFER_TOO_SMALL && length >= text.size());
    text.resize(call.ok() ? length : 0);
    return call.finish(std::move(text));
}

} // namespace detail

} // namespace VDB_HPP_NAMESPACE
} // namespace vdbpp

#if defined(__cpp_lib_ranges)
template <class T> inline constexpr bool std::ranges::enable_borrowed_range<vdbpp::Span<T>> = true;
template <class T> inline constexpr bool std::ranges::enable_view<vdbpp::Span<T>> = true;
#endif

#endif // VDB_HPP_BASE
