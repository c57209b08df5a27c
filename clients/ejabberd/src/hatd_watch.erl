%% A watch of hats over gRPC-Web, which resumes by itself.
%%
%% It calls `Apply` with each response, in order, and takes the next one when that has returned:
%% what comes meanwhile stays in the network. Nothing is missed and nothing comes twice.
%%
%% - Each response must follow the one before it (`after` is the last `token`), else something was
%%   lost, and the watch begins anew with a snapshot.
%% - Whatever ends the stream, it is opened again after a random delay of up to 0.1 s, doubling to
%%   30 s; what hatd asks for wins.
%% - After two and a half heartbeats of silence the stream is taken for dead.
-module(hatd_watch).

-behaviour(gen_server).

-export([start_link/2]).
-export([init/1, handle_continue/2, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-include("logger.hrl").

-define(PATH, "/hatd.v1.HatService/WatchHats").
-define(ON_EXPIRED_RESET, 1).
%% A response is at most 4 MiB, as the contract says.
-define(MESSAGE_BYTES_MAX, 4 * 1024 * 1024).
-define(CONNECT_TIMEOUT_MS, 5000).
-define(RETRY_BASE_MS, 100).
-define(RETRY_MAX_MS, 30000).
%% What the server asks to wait is believed up to this.
-define(RETRY_AFTER_MAX_MS, 300000).
%% A stream that lasted so long makes the delays short again.
-define(HEALTHY_MS, 120000).
%% A server that refuses the watch itself, as for a wrong API key, is asked again so often: the
%% operator may mend it.
-define(REFUSED_MS, 60000).

-record(state,
        {options,
         apply,
         profile,
         %% The token after the last response that was applied; <<>> begins with a snapshot.
         position = <<>>,
         request,
         handler,
         buffer = <<>>,
         since,
         failures = 0,
         watchdog}).

%% `Options`: url, api_key (a text or none), domain (of the rooms), heartbeat (in seconds).
%% `Apply` is called with each event: {reset | snapshot | changes | bookmark, Content}.
start_link(Options, Apply) ->
    gen_server:start_link(?MODULE, {Options, Apply}, []).

init({Options, Apply}) ->
    process_flag(trap_exit, true),
    {ok, _} = application:ensure_all_started(inets),
    {ok, _} = application:ensure_all_started(ssl),
    Profile = list_to_atom("hatd_" ++ binary_to_list(maps:get(domain, Options))),
    {ok, _} = start_profile(Profile),
    {ok, #state{options = Options, apply = Apply, profile = Profile}, {continue, open}}.

start_profile(Profile) ->
    case inets:start(httpc, [{profile, Profile}]) of
        {ok, Pid} -> {ok, Pid};
        {error, {already_started, Pid}} -> {ok, Pid}
    end.

handle_continue(open, State) ->
    {noreply, open(State)}.

handle_call(_Request, _From, State) ->
    {reply, {error, badarg}, State}.

handle_cast(_Message, State) ->
    {noreply, State}.

handle_info(open, State) ->
    {noreply, open(State)};
handle_info({http, {Request, stream_start, Headers, Handler}}, #state{request = Request} = State) ->
    case status(Headers) of
        none ->
            ok = httpc:stream_next(Handler),
            {noreply, State#state{handler = Handler}};
        Status ->
            {noreply, close(Status, State)}
    end;
handle_info({http, {Request, stream, Bytes}}, #state{request = Request} = State) ->
    #state{buffer = Buffer, handler = Handler} = State,
    case frames(State#state{buffer = <<Buffer/binary, Bytes/binary>>}) of
        {ok, State1} ->
            ok = httpc:stream_next(Handler),
            {noreply, State1};
        {ended, Why, State1} ->
            {noreply, close(Why, State1)}
    end;
handle_info({http, {Request, stream_end, _Headers}}, #state{request = Request} = State) ->
    {noreply, close(ended, State)};
handle_info({http, {Request, {error, Reason}}}, #state{request = Request} = State) ->
    {noreply, close({failed, Reason}, State)};
handle_info({http, {Request, {{_Version, 200, _Phrase}, Headers, _Body}}},
            #state{request = Request} = State) ->
    {noreply, close(status(Headers), State)};
handle_info({http, {Request, {{_Version, Code, _Phrase}, _Headers, _Body}}},
            #state{request = Request} = State) ->
    {noreply, close({http, Code}, State)};
handle_info({silent, Watchdog}, #state{watchdog = {Watchdog, _Timer}} = State) ->
    {noreply, close(silent, State)};
%% Of a stream that was closed.
handle_info(_Message, State) ->
    {noreply, State}.

terminate(_Reason, #state{profile = Profile} = State) ->
    cancel(State),
    inets:stop(httpc, Profile).

open(#state{options = Options, profile = Profile, position = Position} = State) ->
    #{url := Url, domain := Domain, heartbeat := Heartbeat} = Options,
    Start = case Position of
                <<>> -> #{snapshot => #{}};
                _ -> #{resume_token => Position}
            end,
    Message = Start#{selectors => [#{room_domain => Domain}],
                     on_expired => ?ON_EXPIRED_RESET,
                     heartbeat_interval => #{seconds => Heartbeat}},
    Payload = iolist_to_binary(hatd_pb:encode('hatd.v1.WatchHatsRequest', Message)),
    Body = <<0, (byte_size(Payload)):32, Payload/binary>>,
    Headers = [{"accept", "application/grpc-web+proto"},
               {"x-grpc-web", "1"},
               {"user-agent", "hatd-ejabberd/0.1.0"}
               | authorization(Options)],
    Request = {binary_to_list(Url) ++ ?PATH, Headers, "application/grpc-web+proto", Body},
    Http = [{connect_timeout, ?CONNECT_TIMEOUT_MS}, {autoredirect, false} | tls(Url)],
    How = [{sync, false}, {stream, {self, once}}, {body_format, binary}],
    case httpc:request(post, Request, Http, How, Profile) of
        {ok, Id} -> watch_dog(State#state{request = Id, buffer = <<>>, since = undefined});
        {error, Reason} -> close({failed, Reason}, State)
    end.

authorization(#{api_key := none}) -> [];
authorization(#{api_key := Key}) -> [{"authorization", "Bearer " ++ binary_to_list(Key)}].

%% Whoever answers must be the one whom the URL names.
tls(<<"https://", _/binary>>) ->
    Match = [{match_fun, public_key:pkix_verify_hostname_match_fun(https)}],
    [{ssl, [{verify, verify_peer}, {cacerts, public_key:cacerts_get()},
            {customize_hostname_check, Match}]}];
tls(_Plaintext) ->
    [].

%% Begins to count the silence of the server anew.
watch_dog(#state{options = #{heartbeat := Heartbeat}} = State) ->
    stop_watch_dog(State),
    Watchdog = make_ref(),
    Timer = erlang:send_after(Heartbeat * 2500, self(), {silent, Watchdog}),
    State#state{watchdog = {Watchdog, Timer}}.

stop_watch_dog(#state{watchdog = {_Watchdog, Timer}}) -> erlang:cancel_timer(Timer);
stop_watch_dog(#state{watchdog = undefined}) -> ok.

%% Ends the stream, for whatever cause: every way out of it leads through here.
close(Why, State) ->
    cancel(State),
    Failures = case State#state.since of
                   undefined -> State#state.failures + 1;
                   Since -> failures_after(now_ms() - Since, State#state.failures)
               end,
    Delay = delay(Why, Failures),
    ?WARNING_MSG("Lost hatd, connecting again in ~b ms: ~ts", [Delay, text(Why)]),
    erlang:send_after(Delay, self(), open),
    Position = case Why of
                   chain_broken -> <<>>;
                   _ -> State#state.position
               end,
    State#state{request = undefined, handler = undefined, buffer = <<>>, watchdog = undefined,
                failures = Failures, position = Position}.

cancel(#state{request = undefined}) ->
    ok;
cancel(#state{request = Request, profile = Profile} = State) ->
    stop_watch_dog(State),
    httpc:cancel_request(Request, Profile).

failures_after(Lived, _Failures) when Lived >= ?HEALTHY_MS -> 1;
failures_after(_Lived, Failures) -> Failures + 1.

delay({go_away, Asked}, _Failures) when Asked > 0 ->
    Hint = min(Asked, ?RETRY_AFTER_MAX_MS),
    Hint + rand:uniform(Hint div 2 + 1) - 1;
%% INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED.
delay({status, Code, _Message}, _Failures) when Code =:= 3; Code =:= 7; Code =:= 12; Code =:= 16 ->
    ?REFUSED_MS;
delay(_Why, Failures) ->
    rand:uniform(min(?RETRY_BASE_MS bsl min(Failures - 1, 16), ?RETRY_MAX_MS) + 1) - 1.

text(ended) -> <<"the stream ended">>;
text(silent) -> <<"nothing came for too long">>;
text(chain_broken) -> <<"a response was lost">>;
text(malformed) -> <<"a response makes no sense">>;
text({go_away, _Asked}) -> <<"hatd ends the stream">>;
text({http, Code}) -> io_lib:format("HTTP status ~b", [Code]);
text({status, Code, Message}) -> io_lib:format("gRPC status ~b: ~ts", [Code, Message]);
text(none) -> <<"an answer without a status">>;
text({failed, Reason}) -> io_lib:format("~0p", [Reason]).

%% Takes what whole frames have come.
frames(#state{buffer = <<_Flags, Size:32, _/binary>>} = State) when Size > ?MESSAGE_BYTES_MAX ->
    {ended, malformed, State};
frames(#state{buffer = <<0, Size:32, Payload:Size/binary, Rest/binary>>} = State) ->
    case hatd_pb:decode('hatd.v1.WatchHatsResponse', Payload) of
        {ok, Response} ->
            case take(Response, State#state{buffer = Rest}) of
                {ok, State1} -> frames(State1);
                Ended -> Ended
            end;
        {error, malformed} ->
            {ended, malformed, State}
    end;
frames(#state{buffer = <<16#80, Size:32, Trailers:Size/binary, _/binary>>} = State) ->
    {ended, status(fields(Trailers)), State};
frames(#state{buffer = <<Flags, _/binary>>} = State) when Flags =/= 0, Flags =/= 16#80 ->
    {ended, malformed, State};
frames(State) ->
    {ok, State}.

take(Response, #state{position = Position, apply = Apply} = State) ->
    State1 = case State#state.since of
                 undefined ->
                     ?INFO_MSG("Connected to hatd at ~ts", [maps:get(url, State#state.options)]),
                     State#state{since = now_ms()};
                 _ ->
                     State
             end,
    Token = maps:get(token, Response, <<>>),
    case {maps:get('after', Response, <<>>), Response} of
        {Other, _} when Other =/= Position ->
            {ended, chain_broken, State1};
        {_, #{go_away := GoAway}} ->
            {ended, {go_away, milliseconds(GoAway)}, State1#state{position = Token}};
        {_, #{reset := Reset}} ->
            taken(Apply, {reset, Reset}, Token, State1);
        {_, #{snapshot := Page}} ->
            taken(Apply, {snapshot, Page}, Token, State1);
        {_, #{changes := Changes}} ->
            taken(Apply, {changes, Changes}, Token, State1);
        {_, #{bookmark := Bookmark}} ->
            taken(Apply, {bookmark, Bookmark}, Token, State1);
        {_, _Unknown} ->
            {ended, malformed, State1}
    end.

%% Only what is applied is never asked for again.
taken(Apply, Event, Token, State) ->
    ok = Apply(Event),
    {ok, watch_dog(State#state{position = Token})}.

milliseconds(#{retry_after := Duration}) ->
    maps:get(seconds, Duration, 0) * 1000 + maps:get(nanos, Duration, 0) div 1000000;
milliseconds(#{}) ->
    0.

%% The status in headers or trailers; none if they have none.
status(Fields) ->
    case lists:keyfind("grpc-status", 1, Fields) of
        {_, Code} ->
            {_, Message} = case lists:keyfind("grpc-message", 1, Fields) of
                               false -> {none, ""};
                               Found -> Found
                           end,
            {status, list_to_integer(string:trim(Code)), uri_string:percent_decode(Message)};
        false ->
            none
    end.

fields(Trailers) ->
    Lines = string:split(binary_to_list(Trailers), "\r\n", all),
    [{string:lowercase(Name), string:trim(Value)}
     || Line <- Lines, [Name, Value] <- [string:split(Line, ":")]].

now_ms() ->
    erlang:monotonic_time(millisecond).
