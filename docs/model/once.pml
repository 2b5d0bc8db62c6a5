/*
 * How a run submits, follows and stops: docs/once.md in the language of spin.
 *
 * One run with one token, NODES nodes, and a world in which FAULTS things go wrong: the
 * worker dies, a request or an answer is lost, a request is done twice, a submit or a
 * listing is refused for good. Delays are no faults: whatever is under way may take
 * any time, and what was sent first may arrive last.
 *
 * Each of these leaves something out, and a check has to fail:
 *
 *   NO_GUARD       a node does not claim the token
 *   NO_LOOKUP      a submit in doubt is taken for one that never arrived
 *   NO_MERGE       a refusal is taken for the result
 *   NO_REMEMBER    a resubmit that is refused is taken for the end of the doubt
 *   NO_GO          a command starts although a stop came after its claim
 *   LATE_PID       the shell is recorded after the start is decided, not before
 *   NO_STOP_CLAIM  a stop leaves a node alone to which no command has come
 *   LATE_MARK      a stop marks that it signals after it did, not before
 *   EARLY_READ     a stop reads that mark when it begins, not when nothing is left
 *   NEVER_LISTED   the service does not list what it runs
 *
 * One leaves something out, and every check has to hold nevertheless:
 *
 *   BLIND          a submit in doubt is sent again without a look
 *
 * Two make the world smaller, so that it can be searched to its end:
 *
 *   COARSE         a node goes on to where it has to wait in one step
 *   NO_CANCEL      nobody cancels the run
 */

#ifndef NODES
#define NODES 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#define SENDS (FAULTS + 1) /* whatever is sent, or done, once more costs a fault */
#define NONE SENDS

#ifdef NO_CANCEL
#define CANCEL false
#else
#define CANCEL true /* at any time, or never */
#endif

#ifdef COARSE
#define step atomic
#else
#define step
#endif

mtype = { unsent, flying, lost, unlisted, listed }   /* a submit, and the command made of it */
mtype = { pending, refused, own, killed }            /* the end of a command on a node */
mtype = { none, file, directory }                    /* what has the name go in a record */
mtype = { unasked, asked, prevented, stopped, finished } /* a stop on a node */
mtype = { open, notStarted, unknown, ended }         /* a node as the run reports it; or prevented, stopped, refused */

#define at(i, n)   ((i) * NODES + (n))
#define arrived(c) (command[c] == unlisted || command[c] == listed)
#define word(s, n) (stop[at(s, n)] != unasked && stop[at(s, n)] != asked)

byte faults = FAULTS;

/* What the service holds. */
mtype command[SENDS] = unsent;
mtype result[SENDS * NODES] = pending;
mtype stop[SENDS * NODES] = unasked;
byte commands, stops; /* how many are used */

/* What a node has of the token: its record; in it, the name that decides whether
   the command starts, and the mark that a stop signals; the wrapping shell, once the
   record tells of it, and the command. */
bool record[NODES], mark[NODES], shell[NODES], alive[NODES];
mtype go[NODES] = none;

/* What the run reports. */
mtype reported[NODES] = open;
bool done;

/* For the checks: how often the command was started, how it ended, and whether a
   stop said that it is over. */
byte executions[NODES];
mtype truth[NODES] = pending;
bool confirmed[NODES];

inline fault() { faults > 0; faults-- }

/* The way of a submit to the service, which makes a command of it and lists it late. */
proctype Submit(byte c)
{
end:	command[c] == flying;
	if
	:: command[c] = unlisted
	:: atomic { fault(); command[c] = lost; goto gone }
	:: atomic { fault(); command[c] = unlisted; command[commands] = flying; commands++ } /* done twice */
	fi;
#ifndef NEVER_LISTED
	command[c] = listed;
#endif
gone:	skip
}

/* The wrapped text of a command on a node: guard.Wrap. */
proctype Wrap(byte c; byte n)
{
end:	step { arrived(c);
#ifndef NO_GUARD
	atomic {
		if
		:: record[n] -> result[at(c, n)] = refused; goto left
		:: else -> record[n] = true
		fi
	};
#endif
#ifndef LATE_PID
	shell[n] = true;
#endif
	atomic {
		if
#ifndef NO_GO
		:: go[n] == file -> shell[n] = false; result[at(c, n)] = refused; goto left
#endif
		:: else -> go[n] = directory
		fi
	};
#ifdef LATE_PID
	shell[n] = true;
#endif
	atomic {
		alive[n] = true;
		executions[n]++;
		assert(executions[n] == 1);
		assert(!confirmed[n]);
		assert(reported[n] == open || reported[n] == unknown)
	} };
	if
	:: atomic { alive[n] -> alive[n] = false; truth[n] = own }
	:: !alive[n]
	fi;
	atomic { shell[n] = false; result[at(c, n)] = truth[n] };
left:	skip
}

inline kill(n)
{
	atomic {
		if
		:: alive[n] -> alive[n] = false; truth[n] = killed; marked = true
		:: else
		fi
	}
}

/* The text of a stop on a node: guard.Stop. */
proctype Stop(byte s; byte n)
{
	bool marked;

end:	step { stop[at(s, n)] == asked;
#ifdef NO_STOP_CLAIM
	if
	:: atomic { !record[n] -> confirmed[n] = true; stop[at(s, n)] = prevented; goto said }
	:: else
	fi;
#endif
	record[n] = true; /* made, or found */
	atomic {
		if
		:: go[n] == none -> go[n] = file
		:: else
		fi
	};
#ifdef EARLY_READ
	marked = mark[n];
#endif
	do
	:: go[n] == directory && !alive[n] && !shell[n] -> break
	:: go[n] == file && !alive[n] -> break
#ifndef LATE_MARK
	:: alive[n] -> mark[n] = true; kill(n)
#else
	:: alive[n] -> kill(n); mark[n] = true
#endif
	od;
#ifndef EARLY_READ
	marked = mark[n];
#endif
	atomic {
		if
		:: go[n] == file -> stop[at(s, n)] = prevented
		:: go[n] == directory && marked -> stop[at(s, n)] = stopped
		:: go[n] == directory && !marked -> stop[at(s, n)] = finished
		fi;
		marked = false;
		confirmed[n] = true;
		assert(!alive[n]);
		assert(stop[at(s, n)] != prevented || executions[n] == 0);
		assert(stop[at(s, n)] != finished || truth[n] == own)
	} };
said:	skip
}

/* choose sets c to a command for which something holds; NONE when there is none. */
inline choose(holds)
{
	i = 0; c = NONE;
	do
	:: i < commands && (holds) -> c = i; if :: i++ :: break fi
	:: i < commands && !(holds) -> i++
	:: i == commands -> break
	od;
	i = 0
}

/* The workflow. Its waits ask again and again. */
proctype Run()
{
	byte c, i, n, mine = NONE; /* mine is the command that it follows */
	mtype rest = unknown;      /* how nodes are reported of which nothing else is known */
	mtype told[NODES] = unasked;
	bool doubt, cancelled;

submit:	if
	:: atomic { command[commands] = flying; c = commands; commands++ }
	:: atomic { fault(); doubt = true; goto look } /* died before it sent */
	:: atomic { fault(); /* refused for good, without doubt */
#ifndef NO_REMEMBER
		if :: doubt -> goto ask :: else fi;
#endif
		rest = notStarted; goto verdict }
	:: atomic { CANCEL && !doubt -> rest = notStarted; goto verdict } /* in time */
	:: atomic { CANCEL && doubt -> goto cancel }
	fi;
	if
	:: atomic { arrived(c) -> mine = c; goto follow }
	:: command[c] == lost
	:: atomic { fault() } /* no usable answer, or nobody left to take it */
	:: CANCEL -> goto cancel
	fi;
	doubt = true;

look:
#ifdef NO_LOOKUP
	atomic { rest = notStarted; goto verdict };
#endif
#ifdef BLIND
	goto submit;
#endif
	if
	:: atomic { choose(command[i] == listed);
		if
		:: c != NONE -> mine = c; goto follow
		:: else -> goto submit
		fi }
	:: atomic { fault(); goto ask } /* the listing is refused for good */
	:: CANCEL -> goto cancel
	fi;

ask:	if
	:: goto submit
	:: atomic { choose(arrived(i));
		if
		:: c != NONE -> mine = c; goto follow
		:: else -> goto submit
		fi }
	:: goto verdict /* abandoned */
	:: CANCEL -> goto cancel
	fi;

cancel:	atomic { cancelled = true; n = 0; c = 0; i = 0 };
	if
	:: atomic { fault(); goto cancel } /* the stop is lost */
	:: atomic {
		do
		:: n < NODES ->
			if
			:: reported[n] == open && told[n] == unasked -> stop[at(stops, n)] = asked
			:: else
			fi;
			n++
		:: else -> break
		od;
		n = 0; stops++ }
	fi;
	do
	:: n < NODES && (reported[n] != open || told[n] != unasked) -> n++
	:: n < NODES && word(stops - 1, n) -> told[n] = stop[at(stops - 1, n)]; n++
	:: n < NODES && reported[n] == open && told[n] == unasked && !word(stops - 1, n) -> skip
	:: atomic { n < NODES && faults > 0 -> fault(); goto cancel } /* in doubt: sent again */
	:: n == NODES -> n = 0; break
	od;

follow:	do
	:: atomic { n < NODES ->
		if
		:: reported[n] != open -> n++
		:: reported[n] == open && (told[n] == prevented || told[n] == stopped) ->
			if
			:: mine == NONE || result[at(mine, n)] != pending -> reported[n] = told[n]; n++
			:: else
			fi
		:: else ->
			c = mine;
			if
			:: mine == NONE || result[at(mine, n)] == refused ->
#ifndef NO_MERGE
				choose(command[i] == listed && result[at(i, n)] != pending && result[at(i, n)] != refused)
#endif
			:: else
			fi;
			if
			:: c == NONE
			:: else ->
				if
				:: result[at(c, n)] == own -> reported[n] = ended; n++
#ifdef NO_MERGE
				:: result[at(c, n)] == refused -> reported[n] = refused; n++
#endif
				:: else
				fi
			fi;
			c = 0
		fi }
	:: n == NODES -> break
	:: atomic { n < NODES && mine != NONE && result[at(mine, n)] == refused && faults > 0 -> fault(); goto verdict }
	:: CANCEL && n < NODES && !cancelled -> goto cancel
	od;

verdict: atomic {
		n = 0; mine = 0; c = 0; doubt = false; cancelled = false;
		do
		:: n < NODES ->
			told[n] = unasked;
			if
			:: reported[n] == open -> reported[n] = rest
			:: else
			fi;
			if
			:: reported[n] == ended -> assert(executions[n] == 1 && truth[n] == own)
			:: reported[n] == stopped -> assert(executions[n] == 1 && truth[n] != pending)
			:: reported[n] == prevented || reported[n] == notStarted -> assert(executions[n] == 0)
			:: reported[n] == refused -> assert(reported[n] != refused) /* is no outcome */
			:: reported[n] == unknown
			fi;
			n++
		:: else -> n = 0; break
		od;
		rest = unknown; done = true
	}
}

init {
	byte i = 0, n;
	atomic {
		run Run();
		do
		:: i < SENDS ->
			run Submit(i);
			n = 0;
			do
			:: n < NODES -> run Wrap(i, n); run Stop(i, n); n++
			:: else -> break
			od;
			i++
		:: else -> break
		od
	}
}

/* Every run ends. */
ltl ends { <> done }

/* What the model is able to show: each of these has to fail. */
ltl neverEnds           { [] !done }
ltl neverSucceeds       { [] (reported[0] != ended) }
ltl neverRefuses        { [] (result[0] != refused && result[NODES] != refused) }
ltl neverLate           { [] !(result[NODES] == own && result[0] == refused) }
ltl neverLateAfterEnd   { [] !(done && command[0] == flying && commands > 1) }
ltl neverStops          { [] (reported[0] != stopped) }
ltl neverPrevents       { [] (reported[0] != prevented) }
ltl neverFindsFinished  { [] !(stop[0] == finished && reported[0] == ended) }
ltl neverStopsTwice     { [] !(stop[0] == stopped && stop[NODES] == stopped) }
ltl neverNotStarted     { [] (reported[0] != notStarted) }
ltl neverAbandons       { [] !(reported[0] == unknown && alive[0]) }
ltl neverBothNodesApart { [] !(result[0] == own && result[at(1, NODES - 1)] == own) }
