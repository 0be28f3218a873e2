/* A reader of JSON, as much of it as the test vectors use. A text that is none ends the program. */

#ifndef VDB_TEST_JSON_HPP
#define VDB_TEST_JSON_HPP

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

struct Json {
    enum class Kind { Null, Bool, Number, Text, List, Object } kind = Kind::Null;
    double number = 0; // also of a boolean: 0 or 1
    std::string text;  // of a number: as it is written
    std::vector<Json> list;
    std::map<std::string, Json> object;

    bool is(Kind wanted) const { return kind == wanted; }
    const Json *find(const std::string &key) const {
        auto at = object.find(key);
        return at == object.end() ? nullptr : &at->second;
    }
    const Json &operator[](const std::string &key) const {
        const Json *value = find(key);
        if (!value) fail("no field " + key);
        return *value;
    }
    [[noreturn]] static void fail(const std::string &why) {
        std::fprintf(stderr, "JSON: %s\n", why.c_str());
        std::exit(2);
    }
};

class JsonReader {
public:
    explicit JsonReader(const std::string &text) : text_(text) {}

    Json read() {
        Json value = any();
        space();
        if (at_ != text_.size()) Json::fail("more after the end");
        return value;
    }

private:
    void space() {
        while (at_ < text_.size() && std::string(" \t\r\n").find(text_[at_]) != std::string::npos) at_++;
    }
    char next() {
        space();
        if (at_ >= text_.size()) Json::fail("ends too early");
        return text_[at_];
    }
    bool take(char wanted) {
        if (next() != wanted) return false;
        at_++;
        return true;
    }
    void need(char wanted) {
        if (!take(wanted)) Json::fail(std::string("no ") + wanted + " at byte " + std::to_string(at_));
    }

    Json any() {
        Json value;
        switch (next()) {
        case '{': return object();
        case '[': return list();
        case '"':
            value.kind = Json::Kind::Text;
            value.text = quoted();
            return value;
        case 't': return word("true", Json::Kind::Bool, 1);
        case 'f': return word("false", Json::Kind::Bool, 0);
        case 'n': return word("null", Json::Kind::Null, 0);
        default: return number();
        }
    }
    Json word(const std::string &word, Json::Kind kind, double number) {
        if (text_.compare(at_, word.size(), word) != 0) Json::fail("a word that is not " + word);
        at_ += word.size();
        Json value;
        value.kind = kind;
        value.number = number;
        return value;
    }
    Json number() {
        Json value;
        char *end = nullptr;
        value.kind = Json::Kind::Number;
        value.number = std::strtod(text_.c_str() + at_, &end);
        const std::size_t after = static_cast<std::size_t>(end - text_.c_str());
        if (after == at_) Json::fail("no value at byte " + std::to_string(at_));
        value.text = text_.substr(at_, after - at_);
        at_ = after;
        return value;
    }
    std::string quoted() {
        need('"');
        std::string value;
        for (; at_ < text_.size() && text_[at_] != '"'; at_++) {
            if (text_[at_] != '\\') {
                value += text_[at_];
                continue;
            }
            at_++;
            if (at_ >= text_.size()) Json::fail("ends in an escape");
            value += escaped(text_[at_]);
        }
        need('"');
        return value;
    }
    std::string escaped(char kind) {
        switch (kind) {
        case 'n': return "\n";
        case 't': return "\t";
        case '"':
        case '\\':
        case '/': return std::string(1, kind);
        case 'u': break;
        default: Json::fail("an escape that this reader does not know");
        }
        // Of two bytes of UTF-16, which is all the vectors have.
        const unsigned code = static_cast<unsigned>(std::stoul(text_.substr(at_ + 1, 4), nullptr, 16));
        at_ += 4;
        if (code >= 0xd800 && code < 0xe000) Json::fail("half of a character");
        if (code < 0x80) return std::string(1, static_cast<char>(code));
        if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
        return {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)),
                static_cast<char>(0x80 | (code & 63))};
    }
    Json list() {
        Json value;
        value.kind = Json::Kind::List;
        need('[');
        while (!take(']')) {
            value.list.push_back(any());
            if (next() != ']') need(',');
        }
        return value;
    }
    Json object() {
        Json value;
        value.kind = Json::Kind::Object;
        need('{');
        while (!take('}')) {
            space();
            std::string key = quoted();
            need(':');
            value.object.emplace(std::move(key), any());
            if (next() != '}') need(',');
        }
        return value;
    }

    const std::string &text_;
    std::size_t at_ = 0;
};

#endif
