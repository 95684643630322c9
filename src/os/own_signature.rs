//! Whether this program's file carries a signature of its makers (Authenticode). Whether it is valid is for Windows to say.

use std::fs::File;
use std::io::Read as _;

/// `None` where programs carry none, or where the file cannot be read.
pub fn own_signature() -> Option<bool> {
    if !cfg!(windows) {
        return None;
    }
    let mut head = Vec::new();
    let file = File::open(std::env::current_exe().ok()?).ok()?;
    file.take(4096).read_to_end(&mut head).ok()?;
    is_signed(&head)
}

/// The certificate table's size in the head of a program for 64 bits (Microsoft, "PE Format": optional header, data
/// directories, the fifth).
fn is_signed(head: &[u8]) -> Option<bool> {
    const PE32_PLUS: u16 = 0x20b;
    let word = |at: usize| {
        let bytes = head.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let pe = usize::try_from(word(0x3c)?)
        .ok()
        .filter(|at| *at < head.len())?;
    if head.get(..2)? != b"MZ" || head.get(pe..pe + 4)? != b"PE\0\0" {
        return None;
    }
    let optional = pe + 24;
    let magic = u16::from_le_bytes(head.get(optional..optional + 2)?.try_into().ok()?);
    if magic != PE32_PLUS {
        return None;
    }
    Some(word(optional + 112 + 4 * 8 + 4)? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(certificates: u32) -> Vec<u8> {
        let mut head = vec![0; 512];
        head[..2].copy_from_slice(b"MZ");
        head[0x3c] = 0x80;
        head[0x80..0x84].copy_from_slice(b"PE\0\0");
        head[0x98..0x9a].copy_from_slice(&0x20b_u16.to_le_bytes());
        let size = 0x98 + 112 + 36;
        head[size..size + 4].copy_from_slice(&certificates.to_le_bytes());
        head
    }

    #[test]
    fn a_program_with_a_certificate_table_is_signed() {
        assert_eq!(is_signed(&head(0)), Some(false));
        assert_eq!(is_signed(&head(8_000)), Some(true));
        assert_eq!(is_signed(&head(8_000)[..200]), None);
        assert_eq!(is_signed(b"\x7fELF"), None);
        let mut far = head(1);
        far[0x3c..0x40].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(is_signed(&far), None, "no overflow, no panic");
    }
}
