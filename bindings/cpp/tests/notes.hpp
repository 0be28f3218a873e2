/* What a replay leaves: which cases passed, for the table of features, and a transcript, for the comparison of the languages. */

#ifndef VDB_TEST_NOTES_HPP
#define VDB_TEST_NOTES_HPP

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "json.hpp"

/// A value as the transcript has it: numbers of single precision as their bits, and of objects what is wanted.
inline std::string noted(const Json &value, const Json *wanted, bool single) {
    std::string made;
    switch (value.kind) {
    case Json::Kind::Null: return "null";
    case Json::Kind::Bool: return value.number != 0 ? "true" : "false";
    case Json::Kind::Text:
        for (const char c : value.text) made += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
        return '"' + made + '"';
    case Json::Kind::List:
        for (const Json &element : value.list) made += (made.empty() ? "" : ",") + noted(element, nullptr, single);
        return '[' + made + ']';
    case Json::Kind::Object:
        for (const auto &[name, ignored] : wanted->object)
            made += (made.empty() ? "\"" : ",\"") + name + "\":" + noted(value[name], nullptr, single);
        return '{' + made + '}';
    case Json::Kind::Number: break;
    }
    char digits[32];
    if (single) {
        const float f = static_cast<float>(value.number);
        std::uint32_t bits;
        std::memcpy(&bits, &f, sizeof bits);
        std::snprintf(digits, sizeof digits, "\"%08x\"", static_cast<unsigned>(bits));
    } else {
        std::snprintf(digits, sizeof digits, value.number == std::floor(value.number) ? "%.0f" : "%.17g", value.number);
    }
    return digits;
}

struct Notes {
    std::vector<std::string> passed, failed, transcript;

    /// Leaves the files where VDB_REPLAY_OUT says, if it does.
    void write() const {
        const char *folder = std::getenv("VDB_REPLAY_OUT");
        if (!folder) return;
        std::ofstream features(std::string(folder) + "/features-cpp.json");
        features << R"({"language":"C++","passed":)" << list(passed) << R"(,"failed":)" << list(failed) << "}\n";
        std::ofstream lines(std::string(folder) + "/transcript-cpp.txt");
        for (const std::string &line : transcript) lines << line << '\n';
    }

private:
    static std::string list(const std::vector<std::string> &names) {
        std::string made;
        for (const std::string &name : names) made += (made.empty() ? "\"" : ",\"") + name + '"';
        return '[' + made + ']';
    }
};

#endif
