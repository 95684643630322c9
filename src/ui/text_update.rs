//! The sentences about this program's version and a newer one.

use super::text::catalogue;

catalogue! {
    UpdateText, UPDATE_ENGLISH;
    title = "This program";
    version = "FX Executor {}";
    unsigned = "This build is not signed: Windows does not know who made it and warns at the first start.";
    look = "Look for a newer version";
    looking = "Looking …";
    newest = "This is the newest version.";
    older = "The address offers {}, which is older than this program. It is not installed.";
    newer = "Version {} is there ({}).";
    changes = "What is new:";
    install = "Install…";
    ask_title = "Install version {}?";
    ask_body = "It is fetched and its signature is proved. Then nothing is opened any more, the program ends as soon as no order is under way, and the new version starts by itself. Open positions stay as they are, with their stops at the broker.";
    ask_yes = "Install";
    fetching = "Fetching: {} %";
    ending = "Fetched and proved. The program ends as soon as no order is under way, and starts again.";
}
