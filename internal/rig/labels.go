package rig

import "faultlab/internal/owner"

// Labels of everything that the rig makes on the engine, beside its owner's.
const (
	labelLab    = "faultlab.lab"
	labelServer = "faultlab.server"
)

func (r *Rig) labels(server string) map[string]string {
	l := owner.Labels(r.env.ID)
	l[labelLab] = r.env.Lab
	if server != "" {
		l[labelServer] = server
	}
	if r.keep {
		l[owner.Keep] = "true"
	}
	return l
}
