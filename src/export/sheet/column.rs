//! What a column is: declared once, where its values are made; typed formats, code book and web pages read it.

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// A whole number of 64 bits.
    Int,
    /// Any other number, in double precision.
    Number,
    /// Yes or no.
    Bool,
    /// A moment, UTC, to the millisecond.
    Instant,
    /// A day, UTC.
    Day,
    /// The outline of the row, in degrees. Formats with places of their own leave it out.
    Outline,
}

impl Kind {
    /// The word for it in the code book.
    pub fn key(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Int => "integer",
            Kind::Number => "number",
            Kind::Bool => "boolean",
            Kind::Instant => "date and time (UTC, RFC 3339)",
            Kind::Day => "date",
            Kind::Outline => "geometry (WGS 84; WKT in CSV)",
        }
    }
}

/// One column of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, the same in every format.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// The unit of its values; blank for words, counts and shares that say it themselves.
    pub unit: &'static str,
    /// What a value says.
    pub meaning: String,
    /// What it says that a value is missing; blank where none ever is.
    pub blank: &'static str,
}

impl Column {
    /// A column that always has a value.
    pub fn new(name: impl Into<String>, kind: Kind, meaning: impl Into<String>) -> Column {
        Column { name: name.into(), kind, unit: "", meaning: meaning.into(), blank: "" }
    }

    /// In this unit.
    pub fn unit(self, unit: &'static str) -> Column {
        Column { unit, ..self }
    }

    /// May be missing, which means this.
    pub fn blank(self, blank: &'static str) -> Column {
        Column { blank, ..self }
    }
}
