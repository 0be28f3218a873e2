// Searches 5,000 dictionary entries by meaning: quickstart data/wordnet
#include <cstdio>
#include <fstream>
#include <numeric>
#include <vdb.hpp>

// A file of numpy with rows of f16, as it lies: the vectors are behind a header whose length is in bytes 8 and 9.
static std::string load(const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.size() < 10) return {};
    return bytes.substr(10u + static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]));
}

static int failed(const vdbpp::Error &error) {
    std::fprintf(stderr, "%s: %s\n", error.name(), error.message());
    return 1;
}

int main(int argc, char **argv) {
    constexpr std::size_t dim = 384;
    const std::string folder = argc > 1 ? argv[1] : "data/wordnet";
    const std::string vectors = load(folder + "/base.npy"), questions = load(folder + "/queries.npy");
    std::vector<std::string> texts;
    std::ifstream lines(folder + "/glosses.txt");
    for (std::string line; std::getline(lines, line);) texts.push_back(line);
    if (texts.empty() || vectors.size() != texts.size() * dim * 2) {
        std::fprintf(stderr, "%s does not hold the sample\n", folder.c_str());
        return 1;
    }

    using namespace vdbpp;
    Result<Database> db = Database::in_memory(Options().dim(dim).metric(Metric::Cosine).scalar(Scalar::F16));
    if (!db) return failed(db.error());
    std::vector<std::uint64_t> ids(texts.size());
    std::iota(ids.begin(), ids.end(), 0);
    Result<void> inserted = db->insert(ids, Rows::raw(vectors.data(), ids.size(), dim, Scalar::F16));
    if (!inserted) return failed(inserted.error());

    const char *question = questions.data() + 63 * dim * 2; // "drizzle, mizzle: very light rain"
    Result<SearchResult> found = db->search(Rows::raw(question, 1, dim, Scalar::F16), 3);
    if (!found) return failed(found.error());
    for (std::size_t i = 0; i < found->counts[0]; i++)
        std::printf("%.3f  %s\n", static_cast<double>(found->distances[i]), texts[found->ids[i]].c_str());
    return 0;
}
