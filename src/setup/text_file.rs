//! Text files as MetaTrader writes them: mostly UTF-16LE with a byte order mark and CRLF, sometimes UTF-8. A
//! configuration file in another encoding is silently ignored by the terminal.

/// The text of a file, whatever of MetaTrader's encodings it is in. Damaged UTF-16 becomes U+FFFD;
/// bytes that are no UTF-8 are read as Latin-1, which the Western code page agrees with for letters.
pub fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // Without a mark: Latin text in UTF-16LE has a zero in every second byte.
        [_, 0, _, 0, ..] => wide(bytes, u16::from_le_bytes),
        _ => std::str::from_utf8(bytes).map_or_else(
            |_| bytes.iter().map(|byte| char::from(*byte)).collect(),
            str::to_owned,
        ),
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| unit(*pair))
        .collect();
    String::from_utf16_lossy(&units)
}

/// `text` in UTF-16LE with its mark, each line ended by CRLF.
pub fn encode(text: &str) -> Vec<u8> {
    let mut out = vec![0xFF, 0xFE];
    for line in text.lines() {
        for unit in line.encode_utf16().chain([0x0D, 0x0A]) {
            out.extend(unit.to_le_bytes());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn each_encoding_gives_the_same_path() {
        let path = r"C:\Program Files\Brokér MT5";
        let le = encode(path);
        let unmarked = encode(r"C:\MT5")[2..].to_vec();
        let be: Vec<u8> = [0xFE, 0xFF]
            .into_iter()
            .chain(path.encode_utf16().flat_map(u16::to_be_bytes))
            .collect();
        let marked = [b"\xEF\xBB\xBF", path.as_bytes()].concat();
        for bytes in [le, be, marked, path.as_bytes().to_vec()] {
            assert_eq!(decode(&bytes).trim_end(), path, "{bytes:?}");
        }
        assert_eq!(decode(b"C:\\Brok\xE9r MT5"), r"C:\Brokér MT5");
        assert_eq!(decode(&unmarked).trim_end(), r"C:\MT5");
    }

    #[test]
    fn a_configuration_file_has_the_mark_and_both_line_ends() {
        assert_eq!(encode("A\n"), [0xFF, 0xFE, 0x41, 0, 0x0D, 0, 0x0A, 0]);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in any::<Vec<u8>>()) {
            decode(&bytes);
        }

        #[test]
        fn what_is_written_is_read_back(lines in proptest::collection::vec("[^\r\n\u{FEFF}]*", 0..5)) {
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let read = decode(&encode(&text)).replace("\r\n", "\n");
            assert_eq!(read, text);
        }
    }
}
