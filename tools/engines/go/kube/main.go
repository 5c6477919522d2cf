// Command kube stands in for a Kubernetes cluster with one pod: it answers what kubectl asks for `exec`, and runs the command
// on this machine, in its own environment, instead of in a container.
//
// Usage: kube ADDRESS CERT KEY TOKEN-FILE NAMESPACE POD CONTAINER
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// Connections with no traffic for so long are closed, as kubelets do.
const idleTimeout = 4 * time.Hour

type cluster struct {
	token, namespace, pod, container string
}

type object map[string]any

func main() {
	if len(os.Args) != 8 {
		log.Fatal("usage: kube ADDRESS CERT KEY TOKEN-FILE NAMESPACE POD CONTAINER")
	}
	address, cert, key := os.Args[1], os.Args[2], os.Args[3]
	token, err := os.ReadFile(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	c := &cluster{strings.TrimSpace(string(token)), os.Args[5], os.Args[6], os.Args[7]}
	log.Fatal(http.ListenAndServeTLS(address, cert, key, c.authenticated(c.routes())))
}

func (c *cluster) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	// What kubectl reads to learn that there are pods, and that they can be executed in.
	answer(mux, "GET /version", object{"major": "1", "minor": "32", "gitVersion": "v1.32.0"})
	answer(mux, "GET /api", object{"kind": "APIVersions", "versions": []string{"v1"}})
	answer(mux, "GET /apis", object{"kind": "APIGroupList", "apiVersion": "v1", "groups": []object{}})
	answer(mux, "GET /api/v1", object{"kind": "APIResourceList", "groupVersion": "v1", "resources": []object{
		{"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": []string{"get"}},
		{"name": "pods/exec", "namespaced": true, "kind": "PodExecOptions", "verbs": []string{"create", "get"}},
	}})
	pod := "/api/v1/namespaces/{namespace}/pods/{pod}"
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}", c.getNamespace)
	mux.HandleFunc("GET "+pod, c.getPod)
	mux.HandleFunc("POST "+pod+"/exec", c.exec)
	mux.HandleFunc("GET "+pod+"/exec", c.exec)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, "NotFound", "the server could not find the requested resource")
	})
	return mux
}

func (c *cluster) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+c.token {
			fail(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knows answers 404 for any pod but the one there is.
func (c *cluster) knows(w http.ResponseWriter, r *http.Request) bool {
	if r.PathValue("namespace") == c.namespace && r.PathValue("pod") == c.pod {
		return true
	}
	fail(w, http.StatusNotFound, "NotFound", fmt.Sprintf("pods %q not found", r.PathValue("pod")))
	return false
}

// kubectl asks for the namespace when a pod is not found, to say which of the two is missing.
func (c *cluster) getNamespace(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("namespace")
	if name != c.namespace {
		fail(w, http.StatusNotFound, "NotFound", fmt.Sprintf("namespaces %q not found", name))
		return
	}
	write(w, http.StatusOK, object{"kind": "Namespace", "apiVersion": "v1", "metadata": object{"name": name}})
}

func (c *cluster) getPod(w http.ResponseWriter, r *http.Request) {
	if !c.knows(w, r) {
		return
	}
	write(w, http.StatusOK, object{
		"kind":       "Pod",
		"apiVersion": "v1",
		"metadata":   object{"name": c.pod, "namespace": c.namespace, "uid": "00000000-0000-4000-8000-000000000001"},
		"spec":       object{"containers": []object{{"name": c.container, "image": "example.com/buildkitd"}}},
		"status":     object{"phase": "Running"},
	})
}

func (c *cluster) exec(w http.ResponseWriter, r *http.Request) {
	if !c.knows(w, r) {
		return
	}
	// Newer clients try WebSockets first, and turn to SPDY when the upgrade is refused.
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		fail(w, http.StatusBadRequest, "BadRequest", "no WebSockets here")
		return
	}
	query := r.URL.Query()
	if name := query.Get("container"); name != "" && name != c.container {
		fail(w, http.StatusBadRequest, "BadRequest", fmt.Sprintf("container %s is not valid for pod %s", name, c.pod))
		return
	}
	command := query["command"]
	if len(command) == 0 {
		fail(w, http.StatusBadRequest, "BadRequest", "no command")
		return
	}
	asked := func(name string) bool { return query.Get(name) == "true" }
	if asked("tty") {
		fail(w, http.StatusBadRequest, "BadRequest", "no terminals here")
		return
	}
	streams := &remotecommand.Options{Stdin: asked("stdin"), Stdout: asked("stdout"), Stderr: asked("stderr")}
	remotecommand.ServeExec(w, r, executor{}, c.pod, "", c.container, command, streams, idleTimeout,
		remotecommand.DefaultStreamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

func answer(mux *http.ServeMux, pattern string, body object) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, body) })
}

func fail(w http.ResponseWriter, code int, reason, message string) {
	write(w, code, object{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message,
	})
}

func write(w http.ResponseWriter, code int, body object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err)
	}
}
