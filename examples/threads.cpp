// An application with the database inside: threads answer questions while rows come in. threads data/wordnet
#include <atomic>
#include <cstdio>
#include <numeric>
#include <thread>
#include <vdb.hpp>

#include "npy.h"

using namespace vdbpp;

struct Array : npy_array {
    explicit Array(const std::string &name) { loaded = npy_load(name.c_str(), this); }
    Array(const Array &) = delete;
    ~Array() { npy_free(this); }
    Rows from(std::size_t first, std::size_t count) const { return Rows::raw(npy_row(this, first), count, cols, Scalar::F16); }
    bool loaded;
};

/// What a thread does: asks all questions, one at a time, and counts how many of the true ten nearest rows it was told of.
static std::size_t ask(const Database &db, const Array &questions, const Array &truth) {
    std::size_t right = 0;
    for (std::size_t q = 0; q < questions.rows; q++) {
        const Result<SearchResult> found = db.search(questions.from(q, 1), 10);
        if (!found) return 0;
        const auto *nearest = static_cast<const std::int32_t *>(npy_row(&truth, q));
        for (const std::uint64_t id : found->ids) right += std::count(nearest, nearest + 10, static_cast<std::int32_t>(id)) > 0;
    }
    return right;
}

int main(int argc, char **argv) {
    const std::string folder = argc > 1 ? argv[1] : "data/wordnet";
    const Array rows(folder + "/base.npy"), questions(folder + "/queries.npy"), truth(folder + "/gt_top10_ids.npy");
    if (!rows.loaded || !questions.loaded || !truth.loaded) return 1;
    Result<Database> db = Database::in_memory(Options().dim(rows.cols).metric(Metric::Cosine).scalar(Scalar::F16));
    if (!db) return std::fprintf(stderr, "%s\n", db.error().message()), 1;

    // A Database needs no lock: a search sees one state, and never waits for a writer.
    std::atomic<bool> done{false};
    std::atomic<std::size_t> rounds{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; i++)
        threads.emplace_back([&] {
            for (; !done; rounds++) ask(*db, questions, truth);
        });
    bool ok = true;
    for (std::size_t first = 0; ok && first < rows.rows; first += 100) {
        std::vector<std::uint64_t> ids(100);
        std::iota(ids.begin(), ids.end(), first);
        ok = db->insert(ids, rows.from(first, 100)).ok();
    }
    done = true;
    for (std::thread &thread : threads) thread.join();
    const std::size_t asked = rounds * questions.rows, right = ask(*db, questions, truth);
    std::printf("%zu questions while rows came in; then %zu of %zu right\n", asked, right, truth.rows * 10);
    return ok && right * 100 >= truth.rows * 10 * 97 ? 0 : 1;
}
