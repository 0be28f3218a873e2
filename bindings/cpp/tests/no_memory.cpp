/* That functions of vdb.hpp return VDB_ERR_NO_MEMORY where the headers themselves get none, and throw nothing. */

#include <new>

#include "check.hpp"

using namespace vdbpp;

namespace {

thread_local bool none_left = false;

/// Calls `function` while there is no memory. What it is given was made before.
template <class F> bool fails(F function) {
    none_left = true;
    try {
        const auto result = function();
        none_left = false;
        return !result && result.error().code() == Status::ErrNoMemory;
    } catch (...) {
        none_left = false;
        return false;
    }
}

void results_find_no_place(Database &db, const Rows &query) {
    const std::vector<std::uint64_t> ids = {1, 2};
    const Texts keys = {"a"};
    const Records records;
    const std::vector<const Database *> databases = {&db};
    Cursor cursor = *db.cursor_scan();
    CHECK(fails([&] { return db.search(query, 1); }) && fails([&] { return db.search_exact(query, 1); }));
    CHECK(fails([&] { return db.search_range(query, 1, 1); }) && fails([&] { return db.search_ids(ids, 1); }));
    CHECK(fails([&] { return db.recommend(ids, {}, 1); }) && fails([&] { return db.search_diverse(query, 1, 0, 1); }));
    CHECK(fails([&] { return db.search_groups(query, "a", 1, 1); }) && fails([&] { return search_many(databases, query, 1); }));
    CHECK(fails([&] { return cursor.next(1); }) && cursor.next(1)->ids[0] == 1);
    CHECK(fails([&] { return db.get(ids); }) && fails([&] { return db.get_meta(ids); }) && fails([&] { return db.keys_of_ids(ids); }));
    CHECK(fails([&] { return db.ids_of_keys(keys); }) && fails([&] { return db.insert({}, query, records); }) && *db.count() == 3);
}

void texts_find_no_place(Database &db, const Rows &query, const std::string &scratch) {
    CHECK(fails([&] { return db.explain(query, 1); }) && fails([&] { return db.check(CheckLevel::Checksums); }));
    CHECK(fails([&] { return db.columns(); }) && fails([&] { return db.option_text(Option::Columns); }));
    CHECK(fails([&] { return db.log_read(); }) && fails([&] { return repair(scratch, scratch); }));
    CHECK(fails([] { return build_info(); }) && fails([] { return option_table(); }));
}

void a_function_finds_no_place() {
    Task task = *Task::make();
    CHECK(fails([&] { return task.on_progress([](Progress) { return true; }); }));
}

} // namespace

/// Instead of that of the standard library; the database has its own.
void *operator new(std::size_t size) {
    void *const place = none_left ? nullptr : std::malloc(size);
    if (!place) throw std::bad_alloc();
    return place;
}
void operator delete(void *place) noexcept { std::free(place); }
void operator delete(void *place, std::size_t) noexcept { std::free(place); }

int main(int, char **argv) {
    const std::string scratch = argv[1];
    Database db = filled();
    const std::vector<float> query = {0, 0};
    results_find_no_place(db, query);
    texts_find_no_place(db, query, scratch);
    a_function_finds_no_place();
    std::printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
