package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"faultlab/internal/lab"
)

// Apply runs the variant's file as the learner, one command a line as redis-cli
// reads them, on one connection. Empty lines and those that begin with # are
// comments. What the server refuses is the learner's, on the check "applies",
// with its line and the server's words; so is a server that no longer answers.
func (s *Server) Apply(ctx context.Context, v lab.Variant, file string) error {
	c := goredis.NewClient(s.options(Learner))
	defer c.Close()
	conn := c.Conn()
	defer conn.Close()
	n := 0
	for line := range strings.Lines(v.Files[file]) {
		n++
		blame := func(err error) error {
			return lab.Blame(lab.ApplyCheck, fmt.Errorf("%s line %d: %w\n    %s", file, n, err, strings.TrimSpace(line)))
		}
		args, err := words(line)
		if err != nil {
			return blame(err)
		}
		if len(args) == 0 {
			continue
		}
		s.rig.Env().Log("%s> %s", s.Name(), strings.TrimSpace(line))
		reply, err := conn.Do(ctx, args...).Result()
		switch {
		case errors.Is(err, goredis.Nil):
			reply = "(nil)"
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("%s line %d: still running when it was stopped: %s", file, n, strings.TrimSpace(line))
		case err != nil:
			return blame(err)
		}
		for l := range strings.Lines(strings.TrimSpace(text(reply, ""))) {
			s.rig.Env().Log("  %s", strings.TrimSpace(l))
		}
	}
	return nil
}

// words splits a line as redis-cli does: at white space, with "…" (and \n, \r,
// \t, \\ and \" in it) and '…' (and \' in it) around what holds some.
func words(line string) (list []any, err error) {
	const space = " \t\r\n"
	rest := strings.Trim(line, space)
	for rest != "" && (rest[0] != '#' || len(list) > 0) {
		var w strings.Builder
		i := 0
		for quote := byte(0); i < len(rest) && (quote != 0 || !strings.ContainsRune(space, rune(rest[i]))); i++ {
			switch c := rest[i]; {
			case c == '\\' && i+1 < len(rest) && (quote == '"' || quote == '\'' && rest[i+1] == '\''):
				i++
				w.WriteByte(unescaped(rest[i]))
			case c == quote && quote != 0:
				quote = 0
				if i+1 < len(rest) && !strings.ContainsRune(space, rune(rest[i+1])) {
					return nil, errors.New("a closing quote must be followed by a space or nothing at all")
				}
			case quote == 0 && w.Len() == 0 && (c == '"' || c == '\''):
				quote = c
			default:
				w.WriteByte(c)
			}
			if i+1 == len(rest) && quote != 0 {
				return nil, errors.New("a quote is not closed")
			}
		}
		list = append(list, w.String())
		rest = strings.TrimLeft(rest[i:], space)
	}
	return list, nil
}

func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
