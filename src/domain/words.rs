//! A helper for enums whose variants are words in SQL, JSON and files.

/// Defines an enum with one word for each variant, `ALL`, `key` and `from_key`, and serde by the same words.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// All of them, in their natural order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word used in SQL, JSON and files.
            pub fn key(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The variant of a word; `None` for any other word.
            pub fn from_key(key: &str) -> Option<$name> {
                match key { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        // Derived, it would miss the words: attributes that come through a macro are hidden from the derive.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let words = utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($word),+]));
                words.into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.key())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                $name::from_key(text)
                    .ok_or_else(|| format!("`{text}` is none of {}", [$($word),+].join(", ")))
            }
        }
    };
}
pub(crate) use words;
