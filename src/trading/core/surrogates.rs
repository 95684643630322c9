//! Half an emoji: JavaScript cuts texts in the middle of one and writes `"\ud83d"`, which is a JSON text to it and none to others
//! (RFC 8259, 8.2).

/// Replaces `\uD800`–`\uDFFF` escapes that are not part of a pair by `\uFFFD`.
pub fn mend_surrogates(raw: &str) -> String {
    let escape_at = |at: usize| {
        raw.get(at..at + 6)
            .and_then(|escape| escape.strip_prefix("\\u"))
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
    };
    let mut mended = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(offset) = raw.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + offset;
        mended.push_str(&raw[at..start]);
        let width = match escape_at(start) {
            Some(0xD800..=0xDBFF) if matches!(escape_at(start + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                mended.push_str("\\ufffd");
                at = start + 6;
                continue;
            }
            Some(_) => 6,
            None => 2,
        };
        let end = (start + width).min(raw.len());
        mended.push_str(raw.get(start..end).unwrap_or_default());
        at = end;
    }
    mended.push_str(raw.get(at..).unwrap_or_default());
    mended
}
