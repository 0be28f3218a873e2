/* vdb.hpp with exceptions. Linked with behaviour.cpp, which uses it without. */

#define VDB_EXCEPTIONS
#include <type_traits>
#include <vdb.hpp>

using namespace vdbpp;

static_assert(std::is_same_v<Outcome<int>, int> && std::is_void_v<Outcome<void>>);

int throwing_passed(const std::string &scratch);

/// Number of what was not as it should be.
int throwing_passed(const std::string &scratch) {
    int wrong = 0;
    Database db = Database::open(scratch + "/throwing", Options().dim(2).metric(Metric::L1));
    db.upsert({1, 2}, Rows(std::vector<float>{0, 0, 3, 4}, 2));
    wrong += db.count() != 2;
    wrong += db.search({3, 4}, 1).ids[0] != 2;
    try {
        db.insert({3, 1}, Rows(std::vector<float>{0, 0, 3, 4}, 2));
        wrong++;
    } catch (const Exception &thrown) {
        wrong += thrown.code() != Status::ErrAlreadyExists || thrown.error().item() != 1;
        wrong += std::string(thrown.what()).find("id 1") == std::string::npos;
    }
    try {
        Database::open(scratch + "/throwing");
        wrong++;
    } catch (const std::runtime_error &thrown) {
        wrong += std::string(thrown.what()).empty();
    }
    Task task = Task::make();
    task.cancel();
    wrong += !db.search({3, 4}, 1, [&] {
        SearchParams params;
        params.task = &task;
        return params;
    }()).partial;
    db.close();
    try {
        db.sync();
        wrong++;
    } catch (const Exception &thrown) {
        wrong += thrown.code() != Status::ErrClosed;
    }
    return wrong;
}
