/* What vdb.hpp adds to vdb.h: ownership, results, views, callbacks. Answers are in replay.cpp.
 * Linked with mistakes.cpp, and with throwing.cpp, which uses the other kind of errors in the same program. */

#include <array>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <type_traits>

#if defined(__cpp_lib_span)
#include <span>
#endif

#include "check.hpp"

int throwing_passed(const std::string &scratch);
void mistakes_are_noticed(const std::string &scratch);

namespace {

using namespace vdbpp;

static_assert(!std::is_copy_constructible_v<Database> && std::is_nothrow_move_constructible_v<Database>);
static_assert(!std::is_copy_constructible_v<Filter> && std::is_nothrow_move_constructible_v<Filter>);
static_assert(!std::is_copy_constructible_v<Task> && std::is_nothrow_move_constructible_v<Task>);
static_assert(std::is_same_v<Outcome<int>, Result<int>>, "without VDB_EXCEPTIONS errors are returned");
static_assert(static_cast<int>(Status::ErrDimension) == VDB_ERR_DIMENSION);

void a_handle_is_owned_by_one() {
    Database first = filled();
    vdb *number = first.capi();
    Database second = std::move(first);
    CHECK(second.capi() == number && first.capi() != number);
    CHECK(first.count().error().code() == Status::ErrClosed && first.close().error().code() == Status::ErrClosed);
    CHECK(*second.count() == 3);
    second = filled();
    std::uint64_t rows = 0;
    CHECK(vdb_count(number, nullptr, &rows, nullptr) == VDB_ERR_CLOSED);
    CHECK(second.close().ok());
    CHECK(second.count().error().code() == Status::ErrClosed);
    CHECK(second.close().error().code() == Status::ErrClosed);
    Database &self = second;
    second = std::move(self);
    CHECK(second.count().error().code() == Status::ErrClosed);
}

void an_error_says_what_and_where() {
    Database db = filled();
    Result<void> twice = db.insert({9, 2}, Rows(std::vector<float>{1, 1, 2, 2}, 2));
    CHECK(!twice && twice.error().code() == Status::ErrAlreadyExists);
    CHECK(twice.error().item() == 1);
    CHECK(std::string(twice.error().name()) == "VDB_ERR_ALREADY_EXISTS");
    CHECK(std::string(twice.error().message()).find("id 2") != std::string::npos);
    Result<Database> none = Database::open("/no/such/parent/db", Options().dim(2));
    CHECK(!none && none.error().code() == Status::ErrNotFound && !none.error().item());
    Result<std::string> copy = Result<std::string>(Error(VDB_ERROR_INIT, "report"));
    CHECK(copy.error().report() == "report");
}

void the_first_failure_of_options_is_kept() {
    Result<Database> db = Database::in_memory(Options().dim(0).m(-1).metric(Metric::Cosine));
    CHECK(!db && db.error().code() == Status::ErrOutOfRange);
    CHECK(std::string(db.error().message()).find("schema.dim") != std::string::npos);
    db = Database::in_memory(Options().dim(3).m(-1));
    CHECK(!db && db.error().code() == Status::ErrOutOfRange);
    CHECK(std::string(db.error().message()) == "hnsw.m cannot be negative");
    db = Database::in_memory(Options().dim(4.5));
    CHECK(!db && db.error().code() == Status::ErrOutOfRange);
    CHECK(std::string(db.error().message()) == "schema.dim is a whole number and not negative");
    CHECK(!Database::in_memory(Options().dim(1e30)).ok() && !Database::in_memory(Options().dim(std::nan(""))).ok());
    db = Database::in_memory(Options().dim(3.0).consolidate_ratio(1).target_recall(0).max_memory(1e9).log_level(LogLevel::Warn));
    CHECK(db.ok() && db->dim() == 3 && *db->option_f64(Option::ConsolidateRatio) == 1 && *db->option_u64(Option::MaxMemory) == 1000000000);
    db = Database::in_memory(Options().dim(3).target_recall(2));
    CHECK(!db && db.error().code() == Status::ErrOutOfRange);
    db = Database::in_memory(Options().dim(3).m(8u).consolidate_ratio(0.25).mmap(false).set("hnsw.ef_search", "99"));
    CHECK(db.ok());
    CHECK(*db->option_u64(Option::EfSearch) == 99 && *db->option_u64(Option::M) == 8);
    CHECK(*db->option_f64(Option::ConsolidateRatio) == 0.25);
    CHECK(*db->option_u64(Option::Mmap) == 0);
    CHECK(db->option_f64(Option::M).error().code() == Status::ErrInvalidArgument);
    CHECK(*db->option_text(Option::Metric) == "l2sq" && db->option_text(Option::Columns)->empty());
    db = Database::in_memory(Options().dim(3).columns("year i64, tags string[]"));
    CHECK(db.ok() && *db->option_text(Option::Columns) == "tags string[], year i64");
    CHECK(db->option_u64(Option::Columns).error().code() == Status::ErrInvalidArgument);
    Result<std::string> columns = db->columns();
    CHECK(columns.ok() && columns->find("\"name\":\"year\",\"type\":\"i64\",\"declared\":true") != std::string::npos);
    db = Database::in_memory(Options().dim(3).set(Option::Columns, "year int"));
    CHECK(!db && db.error().code() == Status::ErrInvalidArgument && db.error().item() == 5);
    db = Database::in_memory(Options().dim(3));
    Result<std::vector<vdb_option_info_t>> table = option_table();
    CHECK(table.ok() && table->size() > 20 && std::string(table->front().name) == "schema.dim");
}

Options four() { return Options().dim(4).metric(Metric::L1); }

void options_can_be_kept() {
    const Options kept = Options().dim(4);
    const auto also = Options().set(Option::Dim, 4).set("hnsw.m", "8");
    const auto &extended = Options().dim(4).m(8);
    Options made = Options().dim(4);
    for (const Options *each : {&kept, &also, &extended}) CHECK(Database::in_memory(*each)->dim() == 4);
    CHECK(*Database::in_memory(four())->option_u64(Option::Metric) == VDB_METRIC_L1);
    CHECK(*Database::in_memory(made.m(9))->option_u64(Option::M) == 9);
    made = four();
    CHECK(*Database::in_memory(made)->option_u64(Option::Metric) == VDB_METRIC_L1);
}

template <class T, class = void> constexpr bool is_dim = false;
template <class T> constexpr bool is_dim<T, std::void_t<decltype(Options().dim(std::declval<T>()))>> = true;
static_assert(is_dim<int> && is_dim<double> && is_dim<const char *> && !is_dim<Metric>);

void views_take_what_there_is() {
    Database db = filled();
    const float plain[2] = {6, 8};
    const std::array<float, 2> array = {6, 8};
    const std::vector<float> vector = {6, 8};
    for (const Rows &query : {Rows(plain), Rows(array), Rows(vector), Rows(Span<const float>(vector))}) {
        Result<SearchResult> found = db.search(query, 1);
        CHECK(found.ok() && found->ids_of(0)[0] == 3 && found->distances_of(0)[0] == 0);
    }
    CHECK(db.search({6, 8}, 1)->ids[0] == 3);
    const std::int8_t bytes[2] = {3, 4};
    CHECK(db.search(bytes, 1)->ids[0] == 2);
    CHECK(db.upsert({4}, Rows(std::vector<std::uint8_t>{200, 100}, 2)).ok());
    const float strided[6] = {1, 2, -1, 3, 4, -1};
    CHECK(db.upsert({5, 6}, Rows::raw(strided, 2, 2, Scalar::F32, 3 * sizeof(float))).ok());
    Result<Fetched<float>> rows = db.get({4, 5, 77, 6});
    CHECK(rows.ok() && rows->values == (std::vector<float>{200, 100, 1, 2, 0, 0, 3, 4}));
    CHECK(rows->found == (std::vector<std::uint8_t>{1, 1, 0, 1}));
    CHECK(db.get<std::uint8_t>({4})->values == (std::vector<std::uint8_t>{200, 100}));
    CHECK(db.upsert({1}, Rows(std::vector<float>{1, 2, 3}, 2)).error().code() == Status::ErrInvalidArgument);
    CHECK(db.upsert({1, 2}, {1, 2}).error().code() == Status::ErrInvalidArgument);
    CHECK(std::strcmp(db.upsert({1, 2}, {1, 2}).error().message(), "there is not one id for each row (2, wanted 1)") == 0);
    CHECK(std::strstr(db.upsert({1}, Rows(std::vector<float>{1, 2, 3}, 2)).error().message(), "2 components: 1 rows") != nullptr);
    CHECK(db.search(Rows(std::vector<float>(5), 3), 1).error().code() == Status::ErrInvalidArgument);
    CHECK(db.erase(std::vector<std::uint64_t>{4, 5, 6, 7}).value() == 3);
#if defined(__cpp_lib_span)
    const std::span<const float> standard(vector);
    CHECK(db.search(standard, 1)->ids[0] == 3);
    const std::vector<std::uint64_t> ids = {1, 2};
    CHECK(db.get(std::span(ids))->found.size() == 2);
    Result<SearchResult> found = db.search(standard, 2);
    const std::span<const std::uint64_t> back = found->ids_of(0);
    CHECK(back.size() == 2 && back[0] == 3);
#endif
}

void results_can_go_into_memory_of_the_caller() {
    Database db = filled();
    std::uint64_t ids[4];
    float distances[4];
    std::uint32_t counts[2];
    const std::vector<float> queries = {0, 0, 6, 8};
    CHECK(*db.search_into(Rows(queries, 2), 2, ids, distances, counts));
    CHECK(ids[0] == 1 && ids[1] == 2 && ids[2] == 3 && ids[3] == 2 && distances[1] == 25 && counts[1] == 2);
    CHECK(*db.search_into(Rows(queries, 2), 2, ids, distances));
    CHECK(db.search_into(Rows(queries, 2), 3, ids, distances).error().code() == Status::ErrInvalidArgument);
    CHECK(db.search_into(Rows(queries, 2), 2, ids, distances, Span<std::uint32_t>(counts, 1)).error().code() ==
          Status::ErrInvalidArgument);
    CHECK(db.search(queries, 16777217).error().code() == Status::ErrLimit);
    CHECK(std::strcmp(db.search(queries, 16777217).error().message(), "k = 16777217 is above 16777216 (VDB_MAX_K)") == 0);
    Result<RangeResult> near = db.search_range({0, 0}, 25, 1);
    CHECK(near.ok() && near->ids.size() == 1 && near->ids[0] == 1 && near->more);
}

void texts_go_in_and_come_out() {
    Database db = *Database::in_memory(Options().dim(1));
    const std::vector<std::string> keys = {"a", "", "ccc"};
    Result<std::vector<std::uint64_t>> ids =
        db.insert({}, Rows(std::vector<float>{1, 2, 3}, 1), {Texts(keys), {"{}", R"({"n":1})", ""}});
    CHECK(ids.ok() && ids->size() == 3 && *db.keys_of_ids(*ids) == keys);
    CHECK(*db.get_meta(*ids) == (std::vector<std::string>{"{}", R"({"n":1})", ""}));
    CHECK(db.get_meta({})->empty() && db.keys_of_ids({12345})->at(0).empty());
    const std::uint64_t offsets[] = {0, 1, 4};
    CHECK(*db.ids_of_keys(Texts::view("accc", offsets)) == (std::vector<std::uint64_t>{ids->at(0), ids->at(2)}));
    CHECK(db.insert({}, {1}, {{"x", "y"}, {}}).error().code() == Status::ErrInvalidArgument);
    CHECK(db.insert({1, 2}, {1}, {{"x"}, {}}).error().code() == Status::ErrInvalidArgument);
    CHECK(db.update_meta({1}, {"{}", "{}"}).error().code() == Status::ErrInvalidArgument);
    CHECK(db.upsert({VDB_ID_NONE}, {9}, {{"a"}, {}})->at(0) == ids->at(0));
    CHECK(db.get_meta({ids->at(0)})->at(0) == "{}");
    CHECK(Filter::where("n ==").error().item() == 4);
    const Filter parsed = *Filter::where("n = $1");
    CHECK(db.count(&parsed).error().code() == Status::ErrInvalidArgument);
    const Filter one = *parsed.bind("[1]");
    CHECK(*db.count(&one) == 1 && *db.erase_where(one) == 1 && *db.erase_keys(Texts{"a", "zzz"}) == 1 && *db.count() == 1);
}

void a_task_is_asked_and_cancels() {
    Database db = filled();
    Result<Task> task = Task::make();
    CHECK(task.ok());
    int steps = 0;
    CHECK(task->on_progress([&](Progress) { return ++steps > 0; }).ok());
    Task moved = std::move(*task);
    CHECK(db.upsert({9}, {1, 1}, &moved).ok() && steps == 2);
    CHECK(moved.progress()->done == 1);
    CHECK(moved.on_progress([](Progress) -> bool { throw std::runtime_error("out"); }).ok());
    CHECK(db.upsert({10}, {1, 1}, &moved).error().code() == Status::ErrCancelled);
    CHECK(*db.count() == 4);
    Task stopped = *Task::make();
    CHECK(stopped.cancel().ok());
    SearchParams params;
    params.task = &stopped;
    CHECK(db.search({1, 1}, 1, params)->partial);
    stopped.close();
    CHECK(stopped.cancel().error().code() == Status::ErrClosed);
    CHECK(db.search({1, 1}, 1, params).error().code() == Status::ErrClosed);
}

void threads_share_one_database() {
    Database db = filled();
    Filter odd = *Filter::ids({1, 3});
    SearchParams params;
    params.filter = &odd;
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            for (int i = 0; i < 200; i++) right += db.search({3, 4}, 1, params)->ids[0] == 1;
        });
    for (int i = 0; i < 50; i++) CHECK(db.upsert({100}, {static_cast<float>(i), 50}).ok());
    for (auto &thread : threads) thread.join();
    CHECK(right == 800);
}

void files_are_kept(const std::string &scratch) {
    const std::filesystem::path path = std::filesystem::path(scratch) / "kept";
    {
        Result<Database> db = Database::open(path, Options().dim(2).durability(Durability::Process));
        CHECK(db.ok() && db->upsert({7}, {1, 2}).ok() && db->sync().ok() && db->checkpoint().ok());
        CHECK(db->check(CheckLevel::Structure)->find("\"sound\":true") != std::string::npos);
        CHECK(db->stats()->live == 1);
        Result<Database> second = Database::open(path);
        CHECK(!second && second.error().code() == Status::ErrLocked);
        Result<Database> reader = Database::open(path, Options().read_only(true));
        CHECK(reader.ok() && reader->refresh().ok() && *reader->count() == 1 && reader->dim() == 2);
    }
    Result<Database> again = Database::open(path);
    CHECK(again.ok() && again->get({7})->values == (std::vector<float>{1, 2}));
    CHECK(again->wait_indexed().ok());
    CHECK(again->measure_recall(1, 1)->recall == 1);
}

/// Resident memory in KiB and open files of the process, where the system tells.
std::pair<long, long> taken() {
    long pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    std::error_code none;
    const std::filesystem::directory_iterator files("/proc/self/fd", none);
    return {resident * 4, static_cast<long>(std::distance(begin(files), end(files)))};
}

void open_and_closed_ten_thousand_times() {
    // Memory checkers see what is lost in fewer, and keep freed memory themselves.
    const bool quick = std::getenv("VDB_TEST_QUICK") != nullptr;
    const auto cycle = [] {
        Result<Database> db = Database::in_memory(Options().dim(2));
        CHECK(db->upsert({1, 2}, Rows(std::vector<float>{1, 2, 3, 4}, 2)).ok());
        const Filter one = *Filter::ids({1});
        const Snapshot shot = *db->snapshot();
        Cursor cursor = *db->cursor_search({1, 2});
        SearchParams params;
        params.filter = &one;
        params.snapshot = &shot;
        CHECK(db->search({1, 2}, 1, params)->ids[0] == 1 && cursor.next(2)->ids.size() == 2);
        CHECK(!db->search({1, 2, 3}, 1).ok());
    };
    for (int i = 0; i < (quick ? 10 : 1000); i++) cycle();
    const auto before = taken();
    for (int i = 0; i < (quick ? 50 : 10000); i++) cycle();
    const auto after = taken();
    CHECK(quick || after.first - before.first < 8 * 1024);
    CHECK(after.second == before.second);
}

} // namespace

int main(int, char **argv) {
    const std::string scratch = argv[1];
    CHECK(abi_matches() && version_number() == VDB_VERSION_NUMBER && version_string() == std::string(VDB_VERSION_STRING));
    CHECK(build_info()->find("\"abi\"") != std::string::npos);
    CHECK(std::string(status_name(Status::Partial)) == "VDB_PARTIAL");
    a_handle_is_owned_by_one();
    an_error_says_what_and_where();
    the_first_failure_of_options_is_kept();
    options_can_be_kept();
    views_take_what_there_is();
    results_can_go_into_memory_of_the_caller();
    texts_go_in_and_come_out();
    a_task_is_asked_and_cancels();
    threads_share_one_database();
    files_are_kept(scratch);
    mistakes_are_noticed(scratch);
    open_and_closed_ten_thousand_times();
    CHECK(throwing_passed(scratch) == 0);
    std::printf("%d checks\ntest result: %s. %d passed; %d failed; 0 ignored\n", checks, failures ? "FAILED" : "ok",
                failures ? 0 : 1, failures ? 1 : 0);
    return failures != 0;
}
