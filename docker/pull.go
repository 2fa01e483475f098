package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	ref := e.Official
	if e.Digest != "" {
		name, _, _ := strings.Cut(e.Official, ":")
		ref = name + "@" + e.Digest
	}
	err := fetch(ctx, c, ref, firstWord, log)
	if err == nil && e.Digest != "" {
		// What is pulled by its digest has no tag.
		_, err = c.ImageTag(ctx, client.ImageTagOptions{Source: ref, Target: e.Official})
	}
	if err != nil {
		return Image{}, fmt.Errorf("pull %s: %w", ref, err)
	}
	img, err := e.inspect(ctx, c, Official)
	if err == nil && img.ID == "" {
		err = fmt.Errorf("pull %s: the engine lacks it all the same", ref)
	}
	return img, err
}

func fetch(parent context.Context, c *client.Client, ref string, patience time.Duration, log Log) (err error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	silence := time.AfterFunc(patience, func() {
		cancel(fmt.Errorf("the registry did not answer within %v", patience))
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

	res, err := c.ImagePull(ctx, ref, client.ImagePullOptions{})
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
			log("pulling: %d layers after %.0f s", layers, time.Since(begun).Seconds())
		}
	}
	return nil
}
