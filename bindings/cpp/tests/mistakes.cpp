/* Mistakes that C++ makes easy: what was moved from, temporaries, sizes beyond all memory. Linked with behaviour.cpp. */

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "check.hpp"

using namespace vdbpp;

void mistakes_are_noticed(const std::string &scratch);

namespace {

template <class T> bool closed(const Result<T> &result) { return !result && result.error().code() == Status::ErrClosed; }

void what_was_moved_from_is_closed_and_not_none(const std::string &scratch) {
    Database db = filled();
    Result<Filter> one = Filter::ids({1});
    Result<Snapshot> shot = db.snapshot();
    Result<Task> task = Task::make();
    const Filter filter = std::move(*one);
    const Snapshot snapshot = std::move(*shot);
    const Task moved = std::move(*task);
    const std::string file = scratch + "/moved.jsonl";
    CHECK(closed(db.count(&*one)) && closed(db.erase_where(*one)) && closed(db.cursor_scan(&*one)));
    CHECK(closed(db.export_file(file, {}, &*one)) && !std::filesystem::exists(file));
    CHECK(closed(db.count(nullptr, &*shot)) && closed(db.get({1}, &*shot)) && closed(db.get_meta({1}, &*shot)));
    CHECK(closed(db.checkpoint(&*task)) && closed(task->cancel()) && closed(task->progress()));
    SearchParams params;
    params.filter = &*one;
    CHECK(closed(db.search({0, 0}, 1, params)) && closed(db.cursor_search({0, 0}, params)));
    params = {};
    params.snapshot = &*shot;
    CHECK(closed(db.search({0, 0}, 1, params)) && closed(db.explain({0, 0}, 1, params)));
    params = {};
    params.task = &*task;
    CHECK(closed(db.search({0, 0}, 1, params)));
    CHECK(*db.count(&filter) == 1 && *db.count(nullptr, &snapshot) == 3);

    Options only_read;
    only_read.read_only(true).dim(2);
    const Options other = std::move(only_read);
    CHECK(closed(Database::open(scratch + "/moved", only_read)) && !std::filesystem::exists(scratch + "/moved"));
    CHECK(closed(Database::in_memory(only_read)) && closed(repair(scratch, scratch + "/moved", &only_read)));
    CHECK(closed(Database::in_memory(only_read.dim(3))));
}

/// Writes over the stack where temporaries of the caller lay.
[[gnu::noinline]] float overwrite_the_stack() {
    volatile float floats[512];
    for (volatile float &value : floats) value = 77;
    return floats[0];
}

void rows_keep_temporaries() {
    Database db = filled();
    const Rows list{6, 8};
    const Rows vector(std::vector<float>{6, 8});
    const Rows array(std::array<float, 2>{6, 8});
    const Rows several(std::vector<float>{6, 8, 0, 0}, 2);
    const Rows bytes(std::vector<std::int8_t>{6, 8}, 2);
    const std::vector<float> named = {6, 8};
    const Rows view(named), span(Span<const float>(named.data(), 2)), copy = several;
    CHECK(overwrite_the_stack() == 77);
    CHECK(view.data() == named.data() && span.data() == named.data() && copy.data() == several.data());
    for (const Rows *query : {&list, &vector, &array, &several, &bytes, &view, &span, &copy}) {
        Result<SearchResult> found = db.search(*query, 1);
        CHECK(found.ok() && found->ids[0] == 3 && found->distances[0] == 0);
    }
    Rows moved = {1, 2};
    moved = Rows(std::vector<float>{3, 4});
    CHECK(db.search(moved, 1)->ids[0] == 2);
    CHECK(db.search({}, 1).error().code() == Status::ErrDimension);
}

template <class Found, class = void> constexpr bool lends_ids = false;
template <class Found> constexpr bool lends_ids<Found, std::void_t<decltype(std::declval<Found>().ids_of(0))>> = true;
static_assert(lends_ids<SearchResult &> && lends_ids<const SearchResult &>);
static_assert(!lends_ids<SearchResult> && !lends_ids<const ManyResult>);

/// The sanitizer of addresses sees what is used after it ended.
void loops_go_over_results_without_a_name() {
    Database db = filled();
    std::size_t rows = 0;
    for (const std::string &meta : *db.get_meta({1, 2, 3})) rows += meta.empty();
    for (const std::string &key : db.keys_of_ids({1, 2, 3}).value()) rows += key.empty();
    CHECK(rows == 3 + 3);
    const Error &extended = db.search({1}, 1).error(), &also = db.insert({1}, {1, 2}).error();
    CHECK(overwrite_the_stack() == 77);
    CHECK(extended.code() == Status::ErrDimension && also.code() == Status::ErrAlreadyExists);
}

/// What a function writes to stderr in a process of its own, which it must abort.
template <class F> std::string last_words(const std::string &file, F function) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        if (!std::freopen(file.c_str(), "w", stderr)) std::_Exit(1);
        std::signal(SIGABRT, SIG_DFL);
        function();
        std::_Exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    std::ifstream said(file);
    return std::string(std::istreambuf_iterator<char>(said), {});
}

void who_asks_for_what_is_not_there_is_told(const std::string &scratch) {
    Database db = filled();
    Result<std::uint64_t> rows = db.count(), none = Error(VDB_ERROR_INIT);
    Result<void> right = db.sync();
    CHECK(rows.value_or(7) == 3 && none.value_or(7) == 7 && db.get_meta({1}).value_or(std::vector<std::string>{}).size() == 1);
    const Result<SearchResult> failed = db.search({1}, 1);
    const std::string said = last_words(scratch + "/said", [&] { static_cast<void>(*failed); });
    CHECK(said.find("vdbpp: a Result without a value was asked for it: VDB_ERR_DIMENSION: ") == 0);
    CHECK(said.find(failed.error().message()) != std::string::npos);
    const std::string without = "vdbpp: a Result without an error was asked for it\n";
    CHECK(last_words(scratch + "/said", [&] { static_cast<void>(rows.error()); }) == without);
    CHECK(last_words(scratch + "/said", [&] { static_cast<void>(right.error()); }) == without);
}

void a_page_that_a_deadline_ended_is_not_the_last() {
    Database db = filled();
    Task task = *Task::make();
    SearchParams params;
    params.task = &task;
    Cursor cursor = *db.cursor_search({0, 0}, params);
    CHECK(task.cancel().ok());
    Page page = *cursor.next(1);
    CHECK(page.ids.empty() && page.partial && !page.done);
    cursor = *db.cursor_scan();
    CHECK(cursor.next(3)->ids.size() == 3);
    page = *cursor.next(3);
    CHECK(page.ids.empty() && page.done && !page.partial && cursor.next(1)->done);
}

void sizes_beyond_all_memory_are_errors() {
    Database db = filled();
    Cursor cursor = *db.cursor_scan();
    const auto none = [](const auto &result) { return !result && result.error().code() == Status::ErrNoMemory; };
    const std::vector<float> value(2);
    const std::size_t many = SIZE_MAX / 8, wraps = (SIZE_MAX >> 24) + 1;
    const Span<const std::uint64_t> ids(nullptr, many);
    const auto beyond = [](const auto &result) { return !result && result.error().code() == Status::ErrLimit; };
    CHECK(beyond(cursor.next(SIZE_MAX)) && beyond(cursor.next(VDB_MAX_K + 1)) && cursor.next(VDB_MAX_K)->ids.size() == 3);
    for (const std::size_t count : {many, wraps}) {
        CHECK(none(db.search(Rows::raw(value.data(), count, 2, Scalar::F32), VDB_MAX_K)));
        CHECK(none(search_many({&db}, Rows::raw(value.data(), count, 2, Scalar::F32), VDB_MAX_K)));
    }
    CHECK(none(db.insert({}, Rows::raw(value.data(), many, 2, Scalar::F32), Records())));
    CHECK(none(db.get(ids)) && none(db.get_meta(ids)) && none(db.search_ids(ids, VDB_MAX_K)));
    // More than any address space has; sanitizers end a program that asks for it.
    if (!std::getenv("VDB_TEST_QUICK")) CHECK(none(db.search(Rows::raw(value.data(), 2000000, 2, Scalar::F32), VDB_MAX_K)));
    CHECK(std::string(cursor.next(SIZE_MAX).error().message()) == "cap = 18446744073709551615 is above 16777216 (VDB_MAX_K)");
}

/// The sanitizer of addresses sees when a call asks a function that is gone. One way to end a task for each round.
void a_task_ends_before_its_call() {
    for (int way = 0; way < 4; way++) {
        Database db = *Database::in_memory(Options().dim(2).graph_min_rows(1).threads(1));
        std::vector<float> rows(2 * 1500);
        for (std::size_t i = 0; i < rows.size(); i++) rows[i] = static_cast<float>(i * 7919 % 10007);
        std::vector<std::uint64_t> ids(rows.size() / 2);
        std::iota(ids.begin(), ids.end(), 1u);
        CHECK(db.insert(ids, Rows(rows, 2)).ok());
        std::atomic<int> asked{0};
        std::optional<Task> task = *Task::make();
        CHECK(task->on_progress([&, kept = std::string(100, 'x')](Progress) { return ++asked > 0 && kept.size() == 100; }).ok());
        bool succeeded = false;
        std::thread call([&, borrowed = &*task] { succeeded = db.wait_indexed(borrowed).ok(); });
        while (asked == 0) std::this_thread::yield();
        if (way == 0) task->close();
        if (way == 1) task = *Task::make();
        if (way == 2) CHECK(task->on_progress([](Progress) { return true; }).ok());
        task.reset();
        const int until = asked;
        call.join();
        CHECK(succeeded && asked == until);
    }
}

void texts_do_not_end_at_a_nul(const std::string &scratch) {
    Database db = filled();
    const std::string path = scratch + std::string("/cut\0off", 8), format("jsonl\0", 6);
    const auto refused = [](const auto &result) { return !result && result.error().code() == Status::ErrInvalidArgument; };
    CHECK(refused(Database::open(path, Options().dim(2))) && refused(Database::in_memory(Options().dim(2).set("hnsw.m", std::string("8\0", 2)))));
    CHECK(refused(db.backup(path)) && refused(db.backup(scratch + "/whole", path)) && refused(db.export_file(path)));
    CHECK(refused(db.export_file(scratch + "/cut", format)) && refused(db.import_file(path)) && refused(repair(path, path)));
    CHECK(!std::filesystem::exists(scratch + "/cut") && !std::filesystem::exists(scratch + "/whole"));
}

void texts_of_no_bytes_are_given() {
    Database db = *Database::in_memory(Options().dim(1));
    const std::uint64_t offsets[] = {0, 0};
    const Texts none = Texts::view(std::vector<char>().data(), offsets);
    CHECK(none.given() && none.count() == 1 && none.data() != nullptr);
    CHECK(db.insert({1}, {1}, {{}, {"{}"}}).ok() && db.upsert({1}, {2}, {{}, none}).ok() && db.get_meta({1})->at(0).empty());
}

void no_database_is_an_error() {
    Database db = filled();
    const Result<ManyResult> found = search_many({&db, nullptr}, {0, 0}, 1);
    CHECK(!found && found.error().code() == Status::ErrNullArgument && found.error().message() == std::string("dbs[1] is NULL"));
}

/// The sanitizer of threads sees whether they get in each other's way.
void two_threads_close() {
    Database db = filled();
    Result<Filter> filter = Filter::ids({1});
    Result<Task> task = Task::make();
    std::atomic<int> succeeded{0};
    const auto close = [&] {
        succeeded += db.close().ok();
        filter->close();
        task->close();
    };
    std::thread other(close);
    close();
    other.join();
    CHECK(succeeded == 1 && closed(db.count()) && closed(filter->bind("[]")) && closed(task->cancel()));
}

void rows_and_texts_that_were_moved_from_are_none_of_a_row() {
    Database db = filled();
    Rows rows(std::vector<float>{1, 2, 3, 4}, 2);
    { const Rows other = std::move(rows); }
    CHECK(overwrite_the_stack() == 77 && db.upsert({1, 2}, rows).ok() && db.get({2})->values == (std::vector<float>{3, 4}));
    Texts keys{"a", "b"}, meta{"{}", "{}"};
    const Records taken{std::move(keys), std::move(meta)};
    CHECK(db.upsert({1, 2}, rows, taken).ok() && *db.keys_of_ids({1, 2}) == (std::vector<std::string>{"a", "b"}));
    for (const Records &records : {Records{keys, {}}, Records{{}, meta}}) {
        const auto refused = db.upsert({1, 2}, rows, records);
        CHECK(!refused && refused.error().code() == Status::ErrInvalidArgument);
    }
    CHECK(*db.keys_of_ids({1, 2}) == (std::vector<std::string>{"a", "b"}));
}

template <class A> using Opened = decltype(Database::open(std::declval<A>()));
template <class A> using Conditioned = decltype(Filter::where(std::declval<A>()));
template <class A> using BackedUp = decltype(std::declval<Database &>().backup(std::string(), std::declval<A>()));
template <template <class> class F, class A, class = void> constexpr bool compiles = false;
template <template <class> class F, class A> constexpr bool compiles<F, A, std::void_t<F<A>>> = true;

// A NULL would be read as a text.
static_assert(compiles<Opened, const char *> && !compiles<Opened, std::nullptr_t>);
static_assert(compiles<Conditioned, const char *> && !compiles<Conditioned, std::nullptr_t>);
static_assert(compiles<BackedUp, const char *> && !compiles<BackedUp, std::nullptr_t>);

} // namespace

void mistakes_are_noticed(const std::string &scratch) {
    what_was_moved_from_is_closed_and_not_none(scratch);
    rows_keep_temporaries();
    loops_go_over_results_without_a_name();
    who_asks_for_what_is_not_there_is_told(scratch);
    a_page_that_a_deadline_ended_is_not_the_last();
    sizes_beyond_all_memory_are_errors();
    a_task_ends_before_its_call();
    texts_do_not_end_at_a_nul(scratch);
    texts_of_no_bytes_are_given();
    no_database_is_an_error();
    rows_and_texts_that_were_moved_from_are_none_of_a_row();
    two_threads_close();
}
