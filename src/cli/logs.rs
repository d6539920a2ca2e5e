//! What the process says of itself: one event, one line, on standard error, whatever stands in its fields.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// What is told unless `RUST_LOG` says otherwise. What actix_http calls errors are requests that nobody can read: not
/// worth a line each.
const USUAL: &str = "info,actix_server=warn,actix_http=off";

/// Begins to tell. To be called once.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| USUAL.into());
    // Colours are for people at a terminal; in a file they are noise.
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let told =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(|| OneLine(io::stderr()));
    match format {
        LogFormat::Text => told.init(),
        LogFormat::Json => told.json().flatten_event(true).with_current_span(true).with_span_list(false).init(),
    }
}

/// Writes each event, which arrives as one piece, as one line: words that came from outside cannot look like a line of
/// ours.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (line, end) = match event.strip_suffix(b"\n") {
            Some(line) => (line, &b"\n"[..]),
            None => (event, &b""[..]),
        };
        if !line.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            return self.0.write_all(event).map(|()| event.len());
        }
        let mut whole = Vec::with_capacity(event.len() + 16);
        for byte in line {
            match byte {
                b'\n' => whole.extend(b"\\n"),
                b'\r' => whole.extend(b"\\r"),
                other => whole.push(*other),
            }
        }
        whole.extend(end);
        self.0.write_all(&whole).map(|()| event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_stands_in_it() {
        let mut out = Vec::new();
        OneLine(&mut out).write_all(b"INFO a job ended name=a\n2026-01-01 INFO forged\r\n").unwrap();
        OneLine(&mut out).write_all(b"INFO plain\n").unwrap();
        assert_eq!(out, b"INFO a job ended name=a\\n2026-01-01 INFO forged\\r\nINFO plain\n");
    }
}
