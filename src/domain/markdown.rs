//! What a coordinator's Markdown may hold: tiles named as pictures, `![caption](tile:TILE_ID)`.

/// The longest text of a campaign, in characters.
pub const MAX_TEXT: usize = 20_000;

/// The scheme by which a text names a tile as a picture.
const SCHEME: &str = "tile:";

/// The tiles that a text names, each once, in order. A name ends where Markdown ends a link's target.
///
/// Looks for the scheme anywhere, not only inside a well-formed link: what a lenient page might draw is found too.
pub fn tiles_named(text: &str) -> Vec<&str> {
    let mut named: Vec<&str> = Vec::new();
    for (at, _) in text.match_indices(SCHEME) {
        // `tile:` at the end of a longer word or before a blank is prose.
        let inside_word = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let rest = &text[at + SCHEME.len()..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | '"' | '\'')).unwrap_or(rest.len());
        let name = &rest[..end];
        if !inside_word && !name.is_empty() && !named.contains(&name) {
            named.push(name);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_found_wherever_a_page_might_draw_them() {
        let text = "See ![a roof](tile:b0001) and ![x](<tile:b2> \"t\"), again ![a](tile:b0001).\n[r]: tile:b3\n";
        assert_eq!(tiles_named(text), ["b0001", "b2", "b3"]);
    }

    #[test]
    fn prose_about_tiles_names_none() {
        assert_eq!(tiles_named("Each tile: one building. A textile:shop. The title of a tile:"), Vec::<&str>::new());
    }
}
