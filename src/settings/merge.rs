//! What a person edits and what somebody else wrote into the file meanwhile, brought together field by field. Pure.

use super::draft::Draft;
use super::field::Field;

/// Whose value of a field counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    File,
    Person,
    /// Both changed it, each to something else: the person has to say.
    Asked,
}

/// `loaded` is what the person began with.
pub fn three_way(loaded: &str, edited: &str, filed: &str) -> Whose {
    let [loaded, edited, filed] = [loaded, edited, filed].map(str::trim);
    if edited == loaded || edited == filed {
        Whose::File
    } else if filed == loaded {
        Whose::Person
    } else {
        Whose::Asked
    }
}

/// The file's draft with the person's edits alone; `texts` gives what was loaded and what it was edited to. The error
/// names what both changed. What is wrong in the file stays wrong until the person gives that field another value, and what
/// was not in `seen` in any case: nobody has looked at it yet.
pub fn merge<'a>(
    filed: &Draft,
    seen: &Draft,
    texts: impl Fn(Field) -> (&'a str, &'a str),
) -> Result<Draft, Vec<Field>> {
    let mut draft = filed.clone();
    let mut asked = Vec::new();
    for field in Field::ALL.into_iter().filter(|field| !field.is_secret()) {
        let (loaded, edited) = texts(field);
        match three_way(loaded, edited, filed.get(field)) {
            Whose::File => {}
            Whose::Person => draft.set(field, edited.trim()),
            Whose::Asked => asked.push(field),
        }
    }
    if !asked.is_empty() {
        return Err(asked);
    }
    for problem in &filed.misshapen {
        if !seen.misshapen.contains(problem) && !draft.misshapen.contains(problem) {
            draft.misshapen.push(problem.clone());
        }
    }
    Ok(draft)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::document::Document;
    use super::*;

    fn draft(text: &str) -> Draft {
        Draft::of(Document::parse(text.as_bytes()).unwrap())
    }

    /// The person began with `loaded` and changed one field.
    fn merged(loaded: &str, edit: (Field, &str), filed: &str) -> Result<Draft, Vec<Field>> {
        let (loaded, filed) = (draft(loaded), draft(filed));
        merge(&filed, &loaded, |field| {
            let before = loaded.get(field);
            (before, if field == edit.0 { edit.1 } else { before })
        })
    }

    #[test]
    fn each_side_keeps_what_it_alone_changed() {
        for (loaded, edited, filed, whose) in [
            ("1", "1", "1", Whose::File),
            ("1", "1", "0.1", Whose::File),
            ("1", "1 ", "", Whose::File),
            ("1", "2", "1", Whose::Person),
            ("1", "", "1", Whose::Person),
            ("1", "2", "2", Whose::File),
            ("1", "2", "0.1", Whose::Asked),
            ("1", "2", "", Whose::Asked),
            ("", "2", "0.1", Whose::Asked),
        ] {
            let found = three_way(loaded, edited, filed);
            assert_eq!(found, whose, "{loaded:?} {edited:?} {filed:?}");
        }
    }

    #[test]
    fn a_limit_and_a_terminal_of_the_changed_file_stay() {
        let draft = merged(
            r#"{"apiKey":"exe_1","maxLots":1,"terminal":"metatrader"}"#,
            (Field::PusherHost, "example.com"),
            r#"{"apiKey":"exe_1","maxLots":0.1,"maxPositions":2,"terminal":"paper"}"#,
        )
        .unwrap();
        for (field, text) in [
            (Field::MaxLots, "0.1"),
            (Field::MaxPositions, "2"),
            (Field::Terminal, "paper"),
            (Field::PusherHost, "example.com"),
        ] {
            assert_eq!(draft.get(field), text, "{field:?}");
        }
    }

    #[test]
    fn a_field_that_both_changed_is_asked_about() {
        let asked = merged(
            r#"{"maxLots":1}"#,
            (Field::MaxLots, "2"),
            r#"{"maxLots":0.1}"#,
        );
        assert_eq!(asked.unwrap_err(), [Field::MaxLots]);
    }

    #[test]
    fn a_mistake_that_nobody_has_seen_yet_is_not_wiped_away() {
        let new = r#"{"MaxLots":0.1}"#;
        let unseen = merged("{}", (Field::MaxLots, "5"), new).unwrap();
        assert_eq!(unseen.misshapen.len(), 1);
        let seen = merged(new, (Field::MaxLots, "5"), new).unwrap();
        assert_eq!(seen.misshapen, []);
        assert_eq!(seen.get(Field::MaxLots), "5");
    }
}
