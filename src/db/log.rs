//! What happened, as lines of text that wait to be read: a ring of bounded size, from which the oldest lines go.
//!
//! The library prints nothing; whoever wants to know asks. A line is a time, a level and what happened with its
//! numbers as `name=value`. Lines are written where something rare or slow ends, so a lock and a little text cost nothing that
//! matters; nothing that happens with every call may have one.
//!
//! Must never fail a call: a line that finds no memory is dropped and counted.

use crate::util::clock::{Utc, unix_ms};
use crate::util::memory::with_room;
use crate::util::sync::lock;
use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of the longest line, its end included. What is longer is cut.
pub const LINE_MAX: usize = 512;
/// What may happen with every call is told so often, in milliseconds.
const PAUSE: u64 = 1000;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum LogLevel {
    /// Something is lost or does not work any more: damage, a write of unknown fate.
    Error = 1,
    /// Something works worse than it could: a limit was reached, a search was slow.
    Warn = 2,
    /// What the database does by itself: recovery, checkpoints, compaction.
    Info = 3,
}

/// Events that may come with every call while their reason lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Frequent {
    /// The limit on memory is in the way of a batch.
    Memory = 0,
    /// Graph work does not get on.
    GraphWork = 1,
    /// Checkpoints in the background fail.
    Checkpoint = 2,
}

/// The lines of one database.
pub struct Log {
    level: LogLevel,
    most: usize,
    lines: Mutex<Lines>,
    dropped: AtomicU64,
    /// When each of [`Frequent`] was told last.
    told: [AtomicU64; 3],
}

#[derive(Default)]
struct Lines {
    /// Whole lines, each with its end.
    bytes: VecDeque<u8>,
    /// Lines that went unread since the last reading.
    dropped: u64,
}

impl Log {
    /// An empty log of at most `bytes` bytes (0 = no line is kept) that leaves out what matters less than `level`.
    pub fn new(level: LogLevel, bytes: u64) -> Log {
        let most = usize::try_from(bytes).unwrap_or(usize::MAX);
        Log { level, most, lines: Mutex::default(), dropped: AtomicU64::new(0), told: Default::default() }
    }

    /// Adds a line that something is lost.
    pub fn error(&self, what: fmt::Arguments<'_>) {
        self.add(LogLevel::Error, what);
    }

    /// Adds a line that something works worse than it could.
    pub fn warn(&self, what: fmt::Arguments<'_>) {
        self.add(LogLevel::Warn, what);
    }

    /// Adds a line about ordinary work.
    pub fn info(&self, what: fmt::Arguments<'_>) {
        self.add(LogLevel::Info, what);
    }

    /// As [`Log::warn`], but once a second at most.
    pub fn warn_now_and_then(&self, event: Frequent, what: fmt::Arguments<'_>) {
        let (now, told) = (unix_ms(), &self.told[event as usize]);
        let last = told.load(Relaxed);
        // A clock that was set back begins anew.
        let is_due = last == 0 || now < last || now - last >= PAUSE;
        if is_due && told.compare_exchange(last, now, Relaxed, Relaxed).is_ok() {
            self.warn(what);
        }
    }

    fn add(&self, level: LogLevel, what: fmt::Arguments<'_>) {
        if level > self.level || self.most == 0 {
            return;
        }
        let line = line(level, what);
        let unread = lock(&self.lines).add(&line, self.most);
        self.dropped.fetch_add(unread, Relaxed);
    }

    /// Lines that went unread, or found no memory, since the database was opened.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Bytes that wait to be read.
    pub fn waiting(&self) -> usize {
        let lines = lock(&self.lines);
        lines.bytes.len() + lines.notice().map_or(0, |notice| notice.len())
    }

    /// Takes the oldest lines out, as many as there are in `most` bytes. Where lines before them went unread, the first
    /// says how many.
    pub fn read(&self, most: usize) -> String {
        let mut lines = lock(&self.lines);
        let notice = lines.notice().unwrap_or_default();
        let Some(room) = most.checked_sub(notice.len()) else { return String::new() };
        let bytes = &lines.bytes;
        // The last end of a line that is within the room.
        let within = bytes.iter().take(room).rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let Ok(mut text) = with_room(notice.len() + within) else { return String::new() };
        text.extend(notice.as_bytes());
        text.extend(lines.bytes.drain(..within));
        lines.dropped = 0;
        String::from_utf8(text).unwrap_or_default()
    }
}

impl Lines {
    /// Adds a line and drops what makes more than `most` bytes; the number of lines that are lost for it.
    fn add(&mut self, line: &str, most: usize) -> u64 {
        if line.len() > most || !self.make_room(line.len(), most) {
            self.dropped += 1;
            return 1;
        }
        let mut unread = 0;
        while self.bytes.len() + line.len() > most {
            let end = self.bytes.iter().position(|&byte| byte == b'\n').map_or(self.bytes.len(), |at| at + 1);
            self.bytes.drain(..end);
            unread += 1;
        }
        self.bytes.extend(line.as_bytes());
        self.dropped += unread;
        unread
    }

    /// Makes the memory twice as large where `more` bytes do not fit, within `most`; whether there is enough.
    fn make_room(&mut self, more: usize, most: usize) -> bool {
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        let needed = (len + more).min(most);
        let wanted = (2 * capacity).max(8 * more).max(needed).min(most);
        needed <= capacity || self.bytes.try_reserve_exact(wanted - len).is_ok()
    }

    /// The line about lines that went unread.
    fn notice(&self) -> Option<String> {
        let what = format_args!("log unread_lines_dropped={}", self.dropped);
        (self.dropped > 0).then(|| line(LogLevel::Warn, what))
    }
}

/// A line with its end, of no more than [`LINE_MAX`] bytes and without an end inside.
fn line(level: LogLevel, what: fmt::Arguments<'_>) -> String {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
    };
    let mut line = String::new();
    // A string takes all that is written to it.
    let _ = write!(line, "{} {level} {what}", Utc(unix_ms()));
    let mut end = line.len().min(LINE_MAX - 1);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    if line.contains(char::is_control) {
        line = line.replace(char::is_control, "?");
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<&str> {
        text.lines().map(|line| line.rsplit_once("n=").map_or("none", |(_, n)| n)).collect()
    }

    #[test]
    fn lines_come_out_once_in_order_and_whole() {
        let log = Log::new(LogLevel::Info, 1 << 16);
        (0..5).for_each(|n| log.info(format_args!("event n={n}")));
        let each = log.waiting() / 5;
        assert_eq!(log.read(each - 1), "", "not even one fits");
        assert_eq!(numbers(&log.read(2 * each + 3)), ["0", "1"]);
        assert_eq!(log.waiting(), 3 * each);
        let rest = log.read(usize::MAX);
        assert_eq!(numbers(&rest), ["2", "3", "4"]);
        assert!(rest.lines().all(|line| line.contains("Z info event n=")) && rest.ends_with('\n'));
        assert_eq!((log.waiting(), log.read(100).len(), log.dropped()), (0, 0, 0));
    }

    #[test]
    fn the_oldest_lines_go_and_are_counted_and_the_bytes_are_bounded() {
        let log = Log::new(LogLevel::Info, 1000);
        for n in 100..300 {
            log.info(format_args!("event n={n}"));
            let lines = lock(&log.lines);
            assert!(lines.bytes.len() <= 1000 && lines.bytes.capacity() <= 1000, "{}", lines.bytes.capacity());
        }
        let text = log.read(2000);
        let kept = text.lines().count() - 1;
        assert!(kept > 10 && log.dropped() == 200 - kept as u64);
        assert!(text.starts_with('2') && text.contains(&format!(" warn log unread_lines_dropped={}\n", 200 - kept)));
        assert_eq!(numbers(&text)[1..], ((300 - kept)..300).map(|n| n.to_string()).collect::<Vec<_>>());
        log.info(format_args!("event n=1"));
        assert_eq!((numbers(&log.read(2000)), log.dropped()), (vec!["1"], 200 - kept as u64), "told once");
    }

    #[test]
    fn what_matters_less_than_the_level_and_what_cannot_fit_is_left_out() {
        let log = Log::new(LogLevel::Warn, 1000);
        log.info(format_args!("n=1"));
        log.warn(format_args!("n=2"));
        log.error(format_args!("n=3"));
        assert_eq!(numbers(&log.read(1000)), ["2", "3"]);
        let off = Log::new(LogLevel::Info, 0);
        off.error(format_args!("n=1"));
        assert_eq!((off.waiting(), off.dropped()), (0, 0));
        let tiny = Log::new(LogLevel::Info, 20);
        tiny.error(format_args!("longer than the log"));
        assert_eq!(tiny.dropped(), 1);
        assert!(tiny.read(1000).contains("dropped=1"));
    }

    #[test]
    fn long_and_odd_texts_make_one_line() {
        let log = Log::new(LogLevel::Info, 1 << 16);
        log.info(format_args!("a\nb\r\u{0}c {}", "\u{20ac}".repeat(400)));
        let text = log.read(LINE_MAX);
        assert!(text.len() <= LINE_MAX && text.len() > LINE_MAX - 4, "{}", text.len());
        assert!(text.contains("a?b??c \u{20ac}") && text.lines().count() == 1);
    }

    #[test]
    fn what_comes_with_every_call_is_told_now_and_then() {
        let log = Log::new(LogLevel::Info, 1 << 16);
        for n in 0..100 {
            log.warn_now_and_then(Frequent::Memory, format_args!("n={n}"));
            log.warn_now_and_then(Frequent::Checkpoint, format_args!("n={n}"));
        }
        let told = log.read(1 << 16).lines().count();
        assert!((2..6).contains(&told), "{told}");
    }
}
