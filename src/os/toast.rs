//! A notification of the system, in its own words.

/// What the system shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub title: String,
    pub text: String,
}

impl Toast {
    /// As Windows wants it ("Toast content schema", template `ToastGeneric`).
    #[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows only"))]
    pub(super) fn xml(&self) -> String {
        format!(
            "<toast><visual><binding template=\"ToastGeneric\"><text>{}</text><text>{}</text></binding></visual></toast>",
            escaped(&self.title),
            escaped(&self.text)
        )
    }
}

/// XML 1.0 knows no other control characters than these three, not even escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' => out.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{FFFE}' | '\u{FFFF}') => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_outside_stays_a_text() {
        let toast = Toast {
            title: "a <b> & c".to_owned(),
            text: "\u{0}\u{1b}]</text><actions/>\nü".to_owned(),
        };
        assert_eq!(
            toast.xml(),
            "<toast><visual><binding template=\"ToastGeneric\"><text>a &lt;b&gt; &amp; c</text>\
             <text>]&lt;/text&gt;&lt;actions/&gt;\nü</text></binding></visual></toast>"
        );
    }
}
