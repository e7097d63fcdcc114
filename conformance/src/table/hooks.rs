//! What the application decides in the middle of a handshake.

#[doc(hidden)]
#[macro_export]
macro_rules! __hooks_behaviours {
    ($callback:ident { $($before:tt)* }) => {
        $crate::__streams_behaviours! { $callback {
            $($before)*
            verifiers {
                a_verifier_alone_decides:
                    "the application's verifier alone decides";
                a_verifier_sees_the_chain_and_the_name:
                    "the verifier is asked once, with the chain and the name";
                a_verifiers_reason_is_the_error:
                    "the verifier's reason is the error, values and all, and the server is told";
                a_client_verifier_sees_the_chain_and_no_name:
                    "a server's verifier is asked once, with the client's chain";
                a_client_verifiers_reason_is_the_error:
                    "a server's verifier's reason is the error, and the client is told";
                the_servers_backend_verifies_under_the_clients_handshake:
                    "the server's backend's verifier works under the client's backend's handshake";
                a_verifier_on_its_own_finds_each_fault:
                    "a verifier on its own finds each fault as the handshake does";
                a_verifier_on_its_own_goes_by_the_time_it_is_given:
                    "a verifier goes by the time that it is given";
                two_backends_verifiers_that_must_agree:
                    "two backends' verifiers can be made to agree";
            }
            slow_verdicts {
                nothing_passes_before_a_slow_verdict_on_a_server:
                    "while a verdict on a server is pending, no side is done and nothing leaves";
                a_slow_refusal_of_a_server_ends_the_handshake:
                    "a slow refusal of a server ends the handshake with its reason";
                nothing_passes_before_a_slow_verdict_on_a_client:
                    "while a verdict on a client is pending, the server is not done";
                a_slow_refusal_of_a_client_ends_the_handshake:
                    "a slow refusal of a client ends the handshake with its reason";
                a_handshake_dropped_while_its_verifier_thinks_ends_the_peers:
                    "a handshake that is dropped at its verifier ends the peer's";
            }
        } }
    };
}
