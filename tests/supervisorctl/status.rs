//! `status`.

use super::server::*;

#[test]
fn status_prints_a_table_and_tells_what_is_down() {
    let server = Server::start(&[("getAllProcessInfo()", processes())]);
    let cat = "cat                              RUNNING   pid 17, uptime 0:00:23\n";
    let m1 = "grp:m1                           STARTING  \n";
    let m2 = "grp:m2                           STOPPED   Not started\n";
    let mid = "mid                              BACKOFF   why\n";
    check(
        &server,
        &[
            ("status", &format!("{cat}{m1}{m2}{mid}"), 3),
            ("status nosuch all", &format!("{cat}{m1}{m2}{mid}"), 3),
            ("status cat grp:m1 mid", &format!("{cat}{m1}{mid}"), 0),
            ("status grp:* cat cat", &format!("{m1}{m2}{cat}{cat}"), 3),
            ("status grp", "grp: ERROR (no such process)\n", 4),
            ("status x:*", "x: ERROR (no such group)\n", 4),
            (
                "status cat nosuch grp:m2 g:x",
                &format!(
                    "nosuch: ERROR (no such process)\ng:x: ERROR (no such process)\n{cat}{m2}"
                ),
                3,
            ),
        ],
    );
    let empty = Server::start(&[("getAllProcessInfo()", Answer::Value(array(&[])))]);
    check(&empty, &[("status", "", 0)]);
}
