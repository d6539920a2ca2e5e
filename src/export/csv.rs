//! CSV (RFC 4180): UTF-8, CRLF, no index column, text that a spreadsheet would run as a formula made harmless.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::text::{push_day, push_instant};
use super::{Format, Record, Records, Sheet, Value};

/// Comma-separated values.
pub struct Csv;

impl Format for Csv {
    fn extension(&self) -> &'static str {
        "csv"
    }

    fn media_type(&self) -> &'static str {
        "text/csv; charset=utf-8"
    }

    fn needs_places(&self) -> bool {
        false
    }

    fn write(&self, sheet: &Sheet, records: &mut Records, out: &mut dyn Write) -> io::Result<u64> {
        let mut lines = ::csv::WriterBuilder::new()
            .terminator(::csv::Terminator::CRLF)
            .buffer_capacity(1 << 16)
            .flexible(false)
            .from_writer(out);
        lines.write_record(&sheet.columns).map_err(io::Error::from)?;
        let mut count = 0;
        let mut cell = String::new();
        for record in records {
            let record = record?;
            for value in &record.values {
                cell.clear();
                push_cell(&mut cell, value, &record);
                lines.write_field(&cell).map_err(io::Error::from)?;
            }
            lines.write_record(None::<&[u8]>).map_err(io::Error::from)?;
            count += 1;
        }
        lines.flush()?;
        Ok(count)
    }
}

fn push_cell(cell: &mut String, value: &Value, record: &Record) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Blank => Ok(()),
        Value::Bool(yes) => write!(cell, "{yes}"),
        Value::Int(number) => write!(cell, "{number}"),
        Value::Number(number) => write!(cell, "{number}"),
        Value::Text(text) => cell.write_str(&guarded(text)),
        Value::Instant(ms) => return push_instant(cell, *ms),
        Value::Day(ms) => return push_day(cell, *ms),
        Value::Outline => {
            if let Some(geometry) = &record.geometry {
                geometry.push_wkt(cell);
            }
            Ok(())
        }
    };
}

/// Text with an apostrophe in front where it begins like a formula (= + - @, also in their wide forms, tab, line ends),
/// or with { or [, which Zooniverse's tools would evaluate.
pub fn guarded(text: &str) -> Cow<'_, str> {
    const RISKY: [char; 13] = ['=', '+', '-', '@', '\t', '\r', '\n', '{', '[', '＝', '＋', '－', '＠'];
    if text.starts_with(RISKY) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_begins_like_a_formula_is_guarded_and_nothing_else_is() {
        for risky in ["=1+1", "+49", "-5", "@SUM", "\tx", "\r\nx", "{}", "[1]", "＝1"] {
            assert_eq!(guarded(risky), format!("'{risky}"));
        }
        for harmless in ["", "a=b", "حلب", "13-1-2", " =1", "'quoted"] {
            assert_eq!(guarded(harmless), harmless);
        }
    }
}
