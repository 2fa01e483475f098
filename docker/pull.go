package docker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// firstWord bounds the wait for a registry's first answer. One that can be
// reached answers within a second or two; an engine that can't reach it may try
// for minutes.
const firstWord = 8 * time.Second

// unreachable remembers for this process that no registry answered.
var unreachable atomic.Bool

// pull pulls the official image.
func (e Entry) pull(ctx context.Context, c *client.Client, log Log) (Image, error) {
	if unreachable.Load() {
		return Image{}, errors.New("no registry can be reached")
	}
	log("pulling %s", e.Official)
	if err := fetch(ctx, c, e.Official, log); err != nil {
		return Image{}, fmt.Errorf("pull %s: %w", e.Official, err)
	}
	img, err := e.inspect(ctx, c, Official)
	if err == nil && img.ID == "" {
		err = fmt.Errorf("pull %s: the engine lacks it all the same", e.Official)
	}
	return img, err
}

func fetch(parent context.Context, c *client.Client, name string, log Log) (err error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	silence := time.AfterFunc(firstWord, func() {
		cancel(fmt.Errorf("the registry did not answer within %v", firstWord))
	})
	defer silence.Stop()
	answered := false
	defer func() {
		if err == nil {
			return
		}
		if parent.Err() == nil && context.Cause(ctx) != nil {
			err = context.Cause(ctx)
		}
		if parent.Err() == nil && !answered && !cerrdefs.IsNotFound(err) {
			unreachable.Store(true)
		}
	}()

	res, err := c.ImagePull(ctx, name, client.ImagePullOptions{})
	if err != nil {
		return err
	}
	defer res.Close()
	begun, layers := time.Now(), 0
	for msg, err := range res.JSONMessages(ctx) {
		if err != nil {
			return err
		}
		if msg.Error != nil {
			return msg.Error
		}
		answered = true
		silence.Stop()
		if msg.Status == "Pull complete" || msg.Status == "Already exists" {
			layers++
			log("pulling %s: %d layers after %.0f s", name, layers, time.Since(begun).Seconds())
		}
	}
	return nil
}
