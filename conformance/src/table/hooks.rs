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
            composition {
                a_server_must_please_both_verifiers:
                    "a server must please both of two verifiers, whose answers are there at once or later";
                a_client_must_please_both_verifiers:
                    "a client must please both of two verifiers, whose answers are there at once or later";
                a_server_must_have_a_pinned_key:
                    "a server without a pinned key in its path is NotPinned, with the pins it has";
                a_client_must_have_a_pinned_key:
                    "a client without a pinned key in its path is NotPinned, with the pins it has";
                a_server_that_was_accepted_is_not_verified_again:
                    "a cache asks once about a server and a name, and anew after a refusal";
                a_client_that_was_accepted_is_not_verified_again:
                    "a cache asks once about a client, and anew after a refusal";
                what_only_reports_on_servers_connects_and_tells:
                    "a verifier that only reports lets an expired server pass, and tells";
                what_only_reports_on_clients_connects_and_tells:
                    "a verifier that only reports lets an expired client pass, and tells";
                composed_verifiers_compose:
                    "pins over a cache over two verifiers that must agree";
            }
            chain_faults {
                a_certificate_out_of_its_time_is_told_with_its_dates:
                    "a verifier on its own tells which dates a certificate has, and the time it was asked about";
                another_name_is_told_with_the_names_that_there_are:
                    "a verifier tells the names that a server's certificate has, in their order";
                a_usage_that_does_not_fit_is_refused:
                    "a usage that does not fit is refused, the peer's and its issuer's";
                an_authoritys_certificate_is_no_peers:
                    "an authority's certificate is no peer's, also where it is a root";
                a_malformed_certificate_is_told_with_the_place:
                    "what is malformed in a certificate is told with the place";
                a_stranger_is_told_from_its_own_issuer:
                    "a certificate of an unknown issuer is told from one that is its own";
                a_peers_certificate_issues_nothing:
                    "a certificate that is no authority's issues nothing";
                an_authority_stays_within_its_path_length:
                    "an authority stays within its path length";
                an_authority_stays_within_its_names:
                    "an authority stays within its name constraints";
                a_changed_signature_is_refused:
                    "a changed signature is refused, wherever it stands";
                weak_algorithms_are_refused:
                    "SHA-1, short RSA keys and unusual curves are refused, wherever they stand";
                what_no_path_needs_refuses_no_chain:
                    "the order of certificates does not matter, nor what comes with them";
                cross_signed_roots_and_circles_are_gone_through:
                    "a way is found through cross-signed roots and circles";
                a_long_path_is_refused:
                    "a path of five intermediates is accepted, one of twenty is too long";
                many_authorities_of_one_name_cost_little:
                    "of a hundred authorities of one name the right one is found, or the chain is refused";
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
            signers {
                a_server_has_a_key_of_any_kind_elsewhere:
                    "a server's key of any kind may be elsewhere, in each version";
                a_client_has_a_key_of_any_kind_elsewhere:
                    "a client's key of any kind may be elsewhere, in each version";
                a_key_for_one_name_may_be_elsewhere:
                    "the key of one name's identity may be elsewhere, another's here";
                a_resumed_connection_needs_no_signature:
                    "no signer is asked for a resumed connection";
                a_servers_signer_that_fails_ends_the_handshake:
                    "a server's signer that fails ends the handshake with internal_error";
                a_clients_signer_that_fails_ends_the_handshake:
                    "a client's signer that fails ends the handshake: internal_error, or in TLS 1.3 a cut";
                a_signature_by_another_key_is_refused:
                    "a signature by another key than the certificate's is refused";
                nothing_passes_before_a_slow_signature_of_a_server:
                    "while a server's signer thinks, no side is done";
                nothing_passes_before_a_slow_signature_of_a_client:
                    "while a client's signer thinks, no side is done";
                a_handshake_dropped_at_its_signer_ends_the_peers:
                    "a handshake that is dropped at its signer ends the peer's";
            }
            sessions {
                a_clients_sessions_are_in_its_store:
                    "a client's sessions are in its store, and resumed from there again and again";
                a_servers_sessions_are_in_its_store:
                    "a server's sessions are in its store, and resumed from there again and again";
                both_sides_may_have_stores:
                    "both sides may have stores";
                clients_of_equal_configuration_share_a_store:
                    "clients of equal configuration find each other's sessions";
                servers_of_equal_configuration_share_a_store:
                    "servers of equal configuration find each other's sessions";
                a_client_that_differs_finds_no_session:
                    "a client of other roots, protocols, identity, verifier or SNI finds none";
                a_client_of_other_versions_finds_no_session:
                    "a client of other versions finds none";
                a_session_is_for_one_name:
                    "a session in a store is for one server's name";
                a_server_that_differs_finds_no_session:
                    "a server of other identity or client authentication finds none";
                no_backend_finds_anothers_session:
                    "a client of another backend finds none";
                what_a_store_forgets_costs_a_full_handshake:
                    "what a store forgets costs a full handshake, and no more";
                a_session_kept_as_bytes_is_the_same:
                    "a session that was kept as bytes is resumed";
                a_server_takes_a_session_of_tls13_once:
                    "a server with a store takes a session of TLS 1.3 once";
                a_clients_hello_waits_for_its_store:
                    "while a client's store looks for a session, the client sends nothing";
                a_servers_answer_waits_for_its_store:
                    "while a server's store looks for a session, the server sends nothing";
                two_tickets_come_unless_set:
                    "a connection of TLS 1.3 brings two sessions unless set";
                as_many_tickets_come_as_are_set:
                    "a connection of TLS 1.3 brings as many sessions as are set, of TLS 1.2 one";
                a_servers_session_is_stored_for_its_lifetime:
                    "a server's session is stored for its lifetime, two hours unless set";
                a_client_stores_a_session_for_the_servers_lifetime:
                    "a client stores a session for the lifetime that the server says";
                a_session_is_not_resumed_after_its_lifetime:
                    "no session is resumed after its lifetime";
                a_cache_for_one_server_forgets_the_first:
                    "a cache for one server's sessions forgets the first server's";
            }
            load {
                a_slow_resolver_holds_up_nobody_else:
                    "200 handshakes at once wait for resolvers on one thread, which is never blocked";
                a_slow_verifier_of_servers_holds_up_nobody_else:
                    "200 handshakes at once wait for verdicts on servers";
                a_slow_verifier_of_clients_holds_up_nobody_else:
                    "200 handshakes at once wait for verdicts on clients";
                a_servers_slow_signer_holds_up_nobody_else:
                    "200 handshakes at once wait for servers' signers";
                a_clients_slow_signer_holds_up_nobody_else:
                    "200 handshakes at once wait for clients' signers";
                a_clients_slow_look_up_of_sessions_holds_up_nobody_else:
                    "200 handshakes at once wait for clients' stores to look for sessions";
                a_clients_slow_storing_of_sessions_holds_up_nobody_else:
                    "200 connections at once wait for clients' stores to keep sessions";
                a_servers_slow_look_up_of_sessions_holds_up_nobody_else:
                    "200 handshakes at once wait for servers' stores to look for sessions";
                a_servers_slow_storing_of_sessions_holds_up_nobody_else:
                    "200 connections at once wait for servers' stores to keep sessions";
            }
        } }
    };
}
