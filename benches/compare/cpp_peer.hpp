// cpp_peer.hpp: what sources beside peer.h that are written in C++ have in common.
#ifndef CPP_PEER_HPP
#define CPP_PEER_HPP

#include "peer.h"

#include <atomic>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <vector>

// What `body` returns; an exception is written to stderr.
template <class Body>
int guarded(Body body) {
    try {
        return body();
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s: %s\n", peer_version(), error.what());
        return 1;
    }
}

// Calls `one` with 0 to count - 1 on several threads, each with the next that is left, as the Python bindings do.
template <class One>
void share_out(uint32_t threads, size_t count, One one) {
    std::atomic<size_t> next(0);
    auto work = [&] {
        for (size_t i = next++; i < count; i = next++) one(i);
    };
    std::vector<std::future<void>> helpers;
    for (uint32_t i = 1; i < threads; i++) helpers.push_back(std::async(std::launch::async, work));
    work();
    for (auto &helper : helpers) helper.get();
}

// A set of row numbers.
class Bitmap {
  public:
    // Of ascending ids.
    Bitmap(const uint64_t *ids, size_t count) : words(count ? ids[count - 1] / 64 + 1 : 0) {
        for (size_t i = 0; i < count; i++) words[ids[i] / 64] |= uint64_t(1) << ids[i] % 64;
    }
    bool has(uint64_t id) const noexcept { return id / 64 < words.size() && (words[id / 64] >> id % 64 & 1); }

  private:
    std::vector<uint64_t> words;
};

#endif
